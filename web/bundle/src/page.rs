//! The one page: `index.html` with the names of the files it loads.

use anyhow::{Result, bail};

pub struct Names<'a> {
    pub chinese: &'a str,
    pub css: &'a str,
    pub boot: &'a str,
    pub icon: &'a str,
    pub script: &'a str,
    pub wasm: &'a str,
    pub loader: &'a str,
}

const PLACE: &str = "    <!-- The bundler puts the style sheet and the loader here. -->\n";
const ICON: &str = "href=\"/icon.svg\"";

/// `boot` runs before anything is painted, and must know by then where the Chinese texts are; script and module are asked
/// for at once, not when the loader has been read.
pub fn page(template: &str, names: &Names) -> Result<String> {
    for mark in [PLACE, ICON] {
        if template.matches(mark).count() != 1 {
            bail!("web/index.html must have `{}` once", mark.trim());
        }
    }
    let Names {
        chinese,
        css,
        boot,
        icon,
        script,
        wasm,
        loader,
    } = names;
    let head = format!(
        "    <meta name=\"chinese\" content=\"/{chinese}\" />
    <script src=\"/{boot}\"></script>
    <link rel=\"stylesheet\" href=\"/{css}\" />
    <link rel=\"modulepreload\" href=\"/{script}\" />
    <link rel=\"preload\" href=\"/{wasm}\" as=\"fetch\" type=\"application/wasm\" crossorigin />
    <script type=\"module\" src=\"/{loader}\"></script>
"
    );
    Ok(template
        .replace(PLACE, &head)
        .replace(ICON, &format!("href=\"/{icon}\"")))
}
