import { type Browser, chromium, type Page } from 'playwright-core';

/** Debian's browser, with nothing of its own that would speak to anybody. */
export const browserPath = '/usr/bin/chromium';

export const openBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: browserPath,
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

/** What a console page shows: the size of its picture, and which pixels of it are lit, row by row. */
export interface Picture {
  width: number;
  height: number;
  lit: boolean[];
}

export async function pictureOn(page: Page): Promise<Picture | undefined> {
  const seen = await page.evaluate(`(() => {
    const canvas = document.querySelector('canvas');
    if (!canvas || canvas.width === 0) return null;
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const lit = [];
    for (let at = 0; at < data.length; at += 4) lit.push(data[at] + data[at + 1] + data[at + 2] > 200 ? '1' : '0');
    return { width: canvas.width, height: canvas.height, lit: lit.join('') };
  })()`);
  if (seen === null) return undefined;
  const { width, height, lit } = seen as { width: number; height: number; lit: string };
  return { width, height, lit: [...lit].map((each) => each === '1') };
}

/** A character's cell of a text screen. */
const cell = { width: 9, height: 16 };

/**
 * The picture as a text screen: for every row, its cells as texts that are the same for the same character. Where nothing
 * is lit the cell is empty.
 */
export function cellsOf({ width, height, lit }: Picture): string[][] {
  const rows: string[][] = [];
  for (let top = 0; top + cell.height <= height; top += cell.height) {
    const row: string[] = [];
    for (let left = 0; left + cell.width <= width; left += cell.width) {
      let glyph = '';
      for (let y = top; y < top + cell.height; y += 1)
        for (let x = left; x < left + cell.width; x += 1) glyph += lit[y * width + x] ? '1' : '0';
      row.push(glyph.includes('1') ? glyph : '');
    }
    rows.push(row);
  }
  return rows;
}

/**
 * Whether a text stands on a row of the screen, by its shape alone: cells are the same where its characters are the same,
 * differ where they differ, and are empty where it has a space. Long texts have few others of their shape.
 */
export function showsText(picture: Picture, text: string): boolean {
  const wanted = shapeOf([...text].map((character) => (character === ' ' ? '' : character)));
  return cellsOf(picture).some((row) =>
    row.some((_, from) => {
      const part = row.slice(from, from + text.length);
      return part.length === text.length && shapeOf(part) === wanted;
    }),
  );
}

function shapeOf(cells: readonly string[]): string {
  const seen = new Map<string, number>([['', 0]]);
  return cells
    .map((glyph) => {
      if (!seen.has(glyph)) seen.set(glyph, seen.size);
      return seen.get(glyph);
    })
    .join(',');
}
