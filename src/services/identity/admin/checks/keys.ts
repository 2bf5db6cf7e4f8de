import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Check, type Examined, type Symptom, some, symptom } from './check.ts';

/** Folders of keys, what their keys are for, and how often they should be new ones (days). */
const repositories = [
  { folder: 'fernet-keys', what: 'tokens', command: 'fernet-rotate', days: 30 },
  { folder: 'credential-keys', what: 'credentials', command: 'credential-rotate', days: 365 },
  { folder: 'receipt-keys', what: 'receipts', command: 'receipt-rotate', days: 365 },
  {
    folder: 'domain-configuration-keys',
    what: 'domain configurations',
    command: 'domain-configuration-rotate',
    days: 365,
  },
] as const;

const day = 86_400_000;

/** Keys are there, for their owner alone, not too old, and each for one purpose. */
export const keyChecks = ({ identity, stateDir }: Examined): Check[] => [
  {
    what: 'keys are for their owner alone',
    look: async () => {
      const folders = [...repositories.map(({ folder }) => folder), 'jws-keys/private'];
      const open = (await Promise.all(folders.map((name) => readableByOthers(join(stateDir, name))))).flat();
      return symptom(open.length > 0, 'problem', {
        seen: `others can read ${some(open)}`,
        mend: `chmod -R go= ${join(stateDir, '*-keys')}, and rotate the keys: somebody may have read them`,
      });
    },
  },
  {
    what: 'keys are each for one purpose',
    look: async () => {
      const seen = new Map<string, string>();
      const shared: string[] = [];
      for (const { folder } of repositories) {
        for (const { text } of await keysIn(join(stateDir, folder))) {
          const other = seen.get(text);
          if (other !== undefined && other !== folder) shared.push(`${other} and ${folder}`);
          seen.set(text, folder);
        }
      }
      return symptom(shared.length > 0, 'problem', {
        seen: `the same key is in ${some(shared)}`,
        mend: 'give each folder keys of its own, and rotate them: what one protects shows in the other',
      });
    },
  },
  ...repositories.map(({ folder, what, command, days }) => ({
    what: `keys of ${what} are there, and new enough`,
    look: async (): Promise<Symptom | undefined> => {
      const keys = await keysIn(join(stateDir, folder));
      const primary = keys.toSorted((a, b) => b.number - a.number)[0];
      if (!primary || primary.number === 0) {
        const mend = 'bring the folder back from a backup';
        return { severity: 'problem', seen: `${folder} has no primary key`, mend };
      }
      const age = Math.floor((Date.now() - primary.changedAt) / day);
      return symptom(age > days, 'warning', {
        seen: `the primary key is ${age} days old`,
        mend: `cumulet admin identity ${command}  (every ${days} days)`,
      });
    },
  })),
  {
    what: 'keys of signed tokens are few',
    look: async () => {
      if (identity.settings.token_provider !== 'jws') return undefined;
      const names = await readdir(join(stateDir, 'jws-keys', 'public'));
      return symptom(names.length > 5, 'warning', {
        seen: `${names.length} public keys are believed`,
        mend: `take away those in ${join(stateDir, 'jws-keys', 'public')} whose tokens have ended`,
      });
    },
  },
];

async function keysIn(folder: string): Promise<{ number: number; text: string; changedAt: number }[]> {
  const names = (await readdir(folder)).filter((name) => /^\d+$/.test(name));
  return Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const text = (await readFile(path, 'utf8')).trim();
      return { number: Number(name), text, changedAt: (await stat(path)).mtimeMs };
    }),
  );
}

async function readableByOthers(folder: string): Promise<string[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const paths = [folder, ...names.map((name) => join(folder, name))];
  const modes = await Promise.all(paths.map(async (path) => ((await stat(path)).mode & 0o077) !== 0));
  return paths.filter((_, at) => modes[at]);
}
