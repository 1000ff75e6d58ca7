// Runs before the first paint, so that a dark room stays dark while the console loads, and
// tells when the console itself fails.
// A file of its own: the page's policy lets no inline script run.
try {
  const theme = localStorage.getItem('gnomon.theme');
  if (theme) document.documentElement.dataset.theme = theme;
} catch {
  // Storage is forbidden here; the theme is then the system's.
}

const failed = (error) => {
  if (!(error instanceof WebAssembly.RuntimeError) || document.getElementById('broken')) return;
  const isChinese = document.documentElement.lang.startsWith('zh');
  const told = document.createElement('div');
  told.id = 'broken';
  told.setAttribute('role', 'alert');
  const reload = document.createElement('button');
  reload.textContent = isChinese ? '重新加载' : 'Reload';
  reload.onclick = () => location.reload();
  told.append(isChinese ? '控制台出错了，页面不再更新。' : 'The console has failed: this page no longer changes.', reload);
  document.body.append(told);
};
addEventListener('error', ({ error }) => failed(error));
addEventListener('unhandledrejection', ({ reason }) => failed(reason));
