import { readFile, rename, writeFile } from 'node:fs/promises';
import type { HostNetworkState } from '../driver.ts';
import type { Numbers } from './firewall/switch-rules.ts';

const highest = 0xffff;

interface Given {
  ports: Record<string, number>;
  networks: Record<string, number>;
}

/** Keeps whom has which number, gives the lowest free ones to who is new, and takes back those of who is gone. */
export function giveNumbers(given: Record<string, number>, ids: readonly string[]): Record<string, number> {
  const kept = Object.fromEntries(
    ids.flatMap((id) => (given[id] === undefined ? [] : [[id, given[id]] as const])),
  );
  const taken = new Set(Object.values(kept));
  let next = 1;
  for (const id of ids) {
    if (kept[id] !== undefined) continue;
    while (taken.has(next)) next += 1;
    if (next > highest) throw new Error(`no more than ${highest} ports or networks fit on one host`);
    taken.add(next);
    kept[id] = next;
  }
  return kept;
}

/**
 * The numbers by which nft and conntrack know ports and networks. They outlive this process (in `file`), else a restart
 * would move connections to other conntrack zones and so cut them.
 */
export async function numbersFor(wanted: HostNetworkState, file: string): Promise<Numbers> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const before = readGiven(text);
  const given: Given = {
    ports: giveNumbers(
      before.ports,
      wanted.ports.map(({ id }) => id),
    ),
    networks: giveNumbers(
      before.networks,
      wanted.networks.map(({ id }) => id),
    ),
  };
  const after = JSON.stringify(given);
  if (after !== text) {
    await writeFile(`${file}.new`, after, { mode: 0o600 });
    await rename(`${file}.new`, file);
  }
  const numberIn = (kind: keyof Given) => (id: string) => {
    const number = given[kind][id];
    if (number === undefined) throw new Error(`${id} has no number among ${kind}`);
    return number;
  };
  return { ofPort: numberIn('ports'), ofNetwork: numberIn('networks') };
}

function readGiven(text: string): Given {
  try {
    return JSON.parse(text) as Given;
  } catch {
    return { ports: {}, networks: {} };
  }
}
