import RFB from './core/rfb.js';

const english = {
  console: 'Console',
  connecting: 'Connecting…',
  connected: 'Connected',
  ended: 'Disconnected',
  refused: 'This link has been used or has expired. Ask for a new one.',
  off: 'The server is switched off.',
  none: 'This server has no screen to show.',
  unreachable: 'The console cannot be reached.',
  many: 'Too many consoles of this server are open.',
  sendKeys: 'Send Ctrl-Alt-Del to the server',
};
const chinese = {
  console: '控制台',
  connecting: '正在连接…',
  connected: '已连接',
  ended: '连接已断开',
  refused: '此链接已被使用或已过期，请重新获取。',
  off: '云主机已关机。',
  none: '此云主机没有可显示的屏幕。',
  unreachable: '无法连接到控制台。',
  many: '此云主机打开的控制台过多。',
  sendKeys: '向云主机发送 Ctrl-Alt-Del',
};
/** The codes with which the proxy closes, where they say more than that it is over. */
const endings = {
  1011: 'unreachable',
  1013: 'many',
  4404: 'unreachable',
  4409: 'off',
  4501: 'none',
  4503: 'unreachable',
};

const inChinese = navigator.language.toLowerCase().startsWith('zh');
const words = inChinese ? chinese : english;
const element = (id) => document.getElementById(id);
const button = element('ctrl-alt-del');

function show(state, text) {
  document.body.dataset.state = state;
  element('state').textContent = text;
  button.disabled = state !== 'connected';
}

function name(text) {
  element('name').textContent = text;
  document.title = text;
}

/** Where the page's query says that the WebSocket is; never on another host. */
function socketUrl() {
  const query = new URLSearchParams(location.search);
  const token = query.get('token');
  const path =
    query.get('path') ?? (token === null ? 'websockify' : `websockify?token=${encodeURIComponent(token)}`);
  const url = new URL(path.replace(/^\/+/, ''), new URL('.', location.href));
  if (url.host !== location.host) return undefined;
  url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  return url;
}

function open() {
  const url = socketUrl();
  if (!url) return show('disconnected', words.refused);
  const socket = new WebSocket(url, ['binary']);
  let opened = false;
  let ended;
  socket.addEventListener('open', () => {
    opened = true;
  });
  // Heard before noVNC's own listener, which says only that it is over.
  socket.addEventListener('close', ({ code }) => {
    ended = opened ? (endings[code] ?? 'ended') : 'refused';
  });
  const rfb = new RFB(element('screen'), socket, { shared: true });
  rfb.scaleViewport = true;
  rfb.background = 'transparent';
  rfb.addEventListener('connect', () => {
    show('connected', words.connected);
    rfb.focus();
  });
  // QEMU puts its own name around the server's.
  rfb.addEventListener('desktopname', ({ detail }) => {
    if (detail.name) name(detail.name.replace(/^QEMU \((.*)\)$/, '$1'));
  });
  rfb.addEventListener('disconnect', () => show('disconnected', words[ended ?? 'ended']));
  button.addEventListener('click', () => {
    rfb.sendCtrlAltDel();
    rfb.focus();
  });
}

document.documentElement.lang = inChinese ? 'zh-CN' : 'en';
button.title = words.sendKeys;
name(words.console);
show('connecting', words.connecting);
open();
