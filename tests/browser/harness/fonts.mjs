// Which font the pictures are set in: a machine without a desktop has none for `system-ui`.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { scratch } from './process.mjs';

/**
 * Chromium, started after this, takes `family` for what has no font of its own, if it is
 * installed (`apt-get install fonts-inter fonts-noto-cjk`). Else it takes what there is.
 */
export function preferFont(family) {
  let found = '';
  try {
    found = execFileSync('fc-list', [family, 'family'], { encoding: 'utf8' });
  } catch {
    // Without fontconfig's tools there is nothing to choose by.
  }
  if (!found.includes(family)) return;
  const file = path.join(scratch('fonts'), 'fonts.conf');
  fs.writeFileSync(file, `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include>/etc/fonts/fonts.conf</include>
  <match>
    <test name="family"><string>sans-serif</string></test>
    <edit name="family" mode="prepend" binding="strong"><string>${family}</string></edit>
  </match>
</fontconfig>
`);
  process.env.FONTCONFIG_FILE = file;
}
