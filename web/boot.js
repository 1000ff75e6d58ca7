// Runs before the first paint, so that a dark room stays dark while the console loads; asks
// for Chinese with the program, not after it; and tells when the console itself fails.
// A file of its own: the page's policy lets no inline script run.
const root = document.documentElement;
let language = navigator.language;
try {
  const theme = localStorage.getItem('gnomon.theme');
  if (theme) root.dataset.theme = theme;
  language = localStorage.getItem('gnomon.language') ?? language;
} catch {
  // Storage is forbidden here; theme and language are then the system's.
}
if (language?.startsWith('zh')) {
  root.lang = 'zh-CN';
  const texts = document.createElement('link');
  Object.assign(texts, { rel: 'preload', as: 'fetch', crossOrigin: 'anonymous' });
  texts.href = document.querySelector('meta[name=chinese]').content;
  document.head.append(texts);
}

const failed = (error) => {
  if (!(error instanceof WebAssembly.RuntimeError) || document.getElementById('broken')) return;
  const isChinese = root.lang.startsWith('zh');
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
