import { readFileSync, writeFileSync } from 'node:fs';
import type { Access } from '../cloud.ts';
import { type Answers, askAll } from './ask.ts';
import { compareAnswers, comparisonText } from './compare.ts';
import { identity } from './identity.ts';
import { image } from './image.ts';
import { known } from './known.ts';
import { placement } from './placement.ts';
import type { Table } from './row.ts';

const tables: Readonly<Record<string, Table>> = { identity, image, placement };

/** @throws Error for a service that has no table */
export function tableOf(service: string): Table {
  const table = tables[service];
  if (!table) throw new Error(`nothing is compared of "${service}": ${Object.keys(tables).join(', ')} are`);
  return table;
}

/** Asks a cloud and writes the answers to a file. */
export async function recordAnswers(service: string, access: Access, file: string): Promise<void> {
  const answers = await askAll(access, tableOf(service));
  writeFileSync(file, `${JSON.stringify(Object.fromEntries(answers), undefined, 1)}\n`);
  console.log(`${answers.size} answers of ${access.authUrl} are in ${file}`);
}

/**
 * Asks this cloud, and the peer where its answers were not recorded, and prints what is different.
 *
 * @returns whether there was any difference that is not known
 */
export async function compareWith(
  service: string,
  access: Access,
  peer: Access | { recorded: string },
): Promise<boolean> {
  const table = tableOf(service);
  const theirs: Answers =
    'recorded' in peer
      ? new Map(Object.entries(JSON.parse(readFileSync(peer.recorded, 'utf8')) as Record<string, string>))
      : await askAll(peer, table);
  const ours = await askAll(access, table);
  const comparison = compareAnswers(theirs, ours, known[service] ?? []);
  console.log(comparisonText(comparison));
  return comparison.unknown.length > 0;
}
