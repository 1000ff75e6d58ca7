// All that a test needs.

export { SOON, eventually } from './process.mjs';
export { standalone, cluster } from './instance.mjs';
export { accessible, browser, close, go, logIn, newPage, noProblems, openPage } from './page.mjs';
export { test } from './test.mjs';
