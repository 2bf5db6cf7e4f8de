import assert from 'node:assert/strict';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { Conflict } from '../../../platform/errors/errors.ts';
import type { ComputeAgent } from '../contract.ts';
import { type ConsoleWorld, consoleWorld } from './testing/console-world.ts';
import { rfbServer, type Screen } from './testing/rfb-server.ts';

const executablePath = process.env['CUMULET_CHROMIUM'] ?? '/usr/bin/chromium';
const skip = await access(executablePath).then(
  () => false,
  () => `there is no Chromium at ${executablePath}`,
);

const quarters = [
  [
    [200, 30, 30],
    [30, 160, 60],
  ],
  [
    [40, 80, 200],
    [240, 220, 90],
  ],
] as const;
const screen: Screen = {
  name: 'QEMU (web-1 网站)',
  width: 320,
  height: 200,
  pixel: (x, y) => quarters[y < 100 ? 0 : 1][x < 160 ? 0 : 1],
};

async function browser(t: TestContext, locale: string): Promise<BrowserContext> {
  const profile = await mkdtemp(join(tmpdir(), 'cumulet-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    locale,
    viewport: { width: 900, height: 640 },
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  t.after(async () => {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  });
  return context;
}

/** The page of a new token, and what the browser complained about. */
async function open(t: TestContext, locale: string, consoleSocket: ComputeAgent['consoleSocket']) {
  const world = await consoleWorld(t, consoleSocket);
  const page = await (await browser(t, locale)).newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(pageUrl(world));
  return { world, page, complaints };
}

const pageUrl = (world: ConsoleWorld): string =>
  `${world.url}/vnc_lite.html?path=${encodeURIComponent(`?token=${world.token()}`)}`;

const state = (page: Page, name: string) =>
  page.waitForSelector(`body[data-state="${name}"]`, { timeout: 20_000 });

/** The colour of the guest's screen at a point, as the page's canvas has it. */
const colourAt = (page: Page, x: number, y: number): Promise<number[]> =>
  page.evaluate(
    ([left, top]) => {
      const canvas = (
        globalThis as unknown as { document: { querySelector(name: string): Canvas } }
      ).document.querySelector('canvas');
      return [...canvas.getContext('2d').getImageData(left, top, 1, 1).data].slice(0, 3);
    },
    [x, y] as const,
  );
interface Canvas {
  getContext(kind: '2d'): {
    getImageData(x: number, y: number, w: number, h: number): { data: Uint8ClampedArray };
  };
}

test('a browser shows the guest’s screen, its name, and sends Ctrl-Alt-Del', { skip }, async (t) => {
  const rfb = await rfbServer(screen);
  t.after(() => rfb[Symbol.asyncDispose]());
  const { page, complaints } = await open(t, 'en-GB', async () => ({ path: rfb.path }));
  await state(page, 'connected');
  assert.equal(await page.textContent('#state'), 'Connected');
  assert.equal(await page.title(), 'web-1 网站');
  assert.equal(await page.textContent('h1'), 'web-1 网站');

  // The first picture comes a moment after the handshake.
  await page.waitForFunction(
    "document.querySelector('canvas').getContext('2d').getImageData(1, 1, 1, 1).data[0] > 0",
  );
  for (const [x, y] of [
    [1, 1],
    [318, 1],
    [1, 198],
    [318, 198],
  ] as const) {
    assert.deepEqual(await colourAt(page, x, y), [...screen.pixel(x, y)], `${x},${y}`);
  }
  const shot = process.env['CUMULET_SCREENSHOT'];
  if (shot) await page.screenshot({ path: shot });

  await page.click('#ctrl-alt-del');
  await page.keyboard.press('a');
  await page.waitForFunction("document.activeElement.tagName === 'CANVAS'");
  const deadline = Date.now() + 10_000;
  while (rfb.pressed.length < 4 && Date.now() < deadline) await page.evaluate('0');
  assert.deepEqual(rfb.pressed, [0xffe3, 0xffe9, 0xffff, 0x61]);

  rfb.hangUp();
  await state(page, 'disconnected');
  assert.equal(await page.textContent('#state'), 'Disconnected');
  assert.equal(await page.isDisabled('#ctrl-alt-del'), true);
  // The rules of what the page may do let all of it happen.
  assert.deepEqual(complaints, []);
});

test('a Chinese browser is told in Chinese why there is nothing to see', { skip }, async (t) => {
  const { world, page } = await open(t, 'zh-CN', async () => {
    throw new Conflict('Server server-1 is off.');
  });
  await state(page, 'disconnected');
  assert.equal(await page.textContent('#state'), '云主机已关机。');
  assert.equal(await page.getAttribute('html', 'lang'), 'zh-CN');
  await page.goto(`${world.url}/vnc_lite.html?path=%3Ftoken%3Dused-before`);
  await state(page, 'disconnected');
  assert.equal(await page.textContent('#state'), '此链接已被使用或已过期，请重新获取。');
});

test('a link cannot lead the page to a WebSocket of another host', { skip }, async (t) => {
  const { world, page } = await open(t, 'en-GB', async () => {
    throw new Conflict('off');
  });
  await state(page, 'disconnected');
  const sockets: string[] = [];
  page.on('websocket', (socket) => sockets.push(socket.url()));
  for (const path of ['http://127.0.0.2:1/x', '//127.0.0.2:1/x', '/\\127.0.0.2:1/x', 'ws://127.0.0.2:1/']) {
    await page.goto(`${world.url}/vnc_lite.html?path=${encodeURIComponent(path)}`);
    await state(page, 'disconnected');
  }
  for (const url of sockets) assert.equal(new URL(url).host, new URL(world.url).host);
});
