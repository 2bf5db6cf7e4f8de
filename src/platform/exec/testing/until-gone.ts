import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

/** Waits until a process has ended, whether or not whoever is its parent now has asked how. */
export async function untilGone(pid: number): Promise<void> {
  for (let tries = 0; tries < 2000; tries++) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    // Its state stands behind its name, which may have anything in it.
    const state = stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
    if (stat === '' || state === 'Z' || state === 'X') return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.fail(`process ${pid} did not end`);
}
