// Runs before the first paint, so that a dark room stays dark while the console loads.
// A file of its own: the page's policy lets no inline script run.
try {
  const theme = localStorage.getItem('gnomon.theme');
  if (theme) document.documentElement.dataset.theme = theme;
} catch {
  // Storage is forbidden here; the theme is then the system's.
}
