import { open } from 'node:fs/promises';
import { nearest } from './nearest.ts';
import { type NamedSetting, type SettingsSchema, settingsOf, type Values } from './schema.ts';

/** Where values come from; each wins over the one before: defaults, `kept`, `file`, `environment`, `flags`. */
export interface Sources {
  /** What was so the last time, by settings' names, and the file that remembers it. */
  kept?: { values: Readonly<Record<string, unknown>>; origin: string };
  /** A YAML file; one that is not there is an error. */
  file?: string;
  environment?: Readonly<Record<string, string | undefined>>;
  /** As a command line parser gives them: `{ stateDir: '/x' }`. Undefined ones were not said. */
  flags?: Readonly<Record<string, unknown>>;
}

/** A setting as `cumulet config show` prints it. */
export interface ShownSetting {
  name: string;
  /** Without passwords. */
  value: string;
  /** `default`, `/etc/cumulet.yaml`, `CUMULET_REGION` or `--region`. */
  origin: string;
  description: string;
}

export interface Config<S> {
  readonly values: Values<S>;
  show(): ShownSetting[];
}

/** The configuration is wrong; the message says all that is, a line each, and repeats no value. */
export class ConfigError extends Error {
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'ConfigError';
  }
}

/** More than any configuration needs. Bytes. */
const fileLimit = 1 << 20;

/**
 * Reads all settings of a schema.
 * @throws ConfigError for unknown keys in the file (with the key that was probably meant), values of the wrong kind,
 *   a file that can't be read, and one with a secret in it that everybody can read
 */
export async function loadConfig<S extends SettingsSchema>(schema: S, sources: Sources): Promise<Config<S>> {
  const settings = settingsOf(schema);
  const problems: string[] = [];
  const { file, environment = {}, flags = {}, kept } = sources;
  const inFile = file === undefined ? undefined : await readFile(file, settings, problems);

  const values: Record<string, unknown> = {};
  const shown: ShownSetting[] = [];
  for (const named of settings) {
    const { name, keys, variable, flag, option, setting } = named;
    const said: [unknown, string][] = [
      [flags[option], flag],
      [environment[variable], variable],
      [inFile?.get(name), file ?? ''],
      [kept?.values[name], kept?.origin ?? ''],
    ];
    const [given, origin] = said.find(([value]) => value !== undefined) ?? [undefined, 'default'];
    try {
      const value = given === undefined ? setting.byDefault() : setting.parse(given);
      put(values, keys, value);
      shown.push({ name, value: setting.show(value), origin, description: setting.description });
    } catch (error) {
      problems.push(`${name} (${origin}): ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return { values: values as Values<S>, show: () => shown };
}

function put(values: Record<string, unknown>, keys: readonly string[], value: unknown): void {
  const [first, second] = keys as [string, string?];
  if (second === undefined) values[first] = value;
  else {
    const section = (values[first] ??= {}) as Record<string, unknown>;
    section[second] = value;
  }
}

/** What a file says, by the settings' names. */
async function readFile(
  file: string,
  settings: readonly NamedSetting[],
  problems: string[],
): Promise<Map<string, unknown>> {
  const { content, mode } = await contentOf(file);
  const known = new Map(settings.map((named) => [named.name, named.setting]));
  const sections = new Set(settings.filter(({ keys }) => keys.length > 1).map(({ keys }) => keys[0]!));
  const found = new Map<string, unknown>();

  const unknown = (name: string) => {
    const meant = nearest(name, [...known.keys(), ...sections]);
    problems.push(
      `${file}: there is no setting ${name}${meant === undefined ? '' : `; did you mean ${meant}?`}`,
    );
  };
  for (const [key, value] of await mapping(file, content)) {
    if (known.has(key)) found.set(key, value);
    else if (!sections.has(key)) unknown(key);
    else if (!isMapping(value)) problems.push(`${file}: ${key} must be a section`);
    else
      for (const [inner, innerValue] of Object.entries(value)) {
        const name = `${key}.${inner}`;
        if (known.has(name)) found.set(name, innerValue);
        else unknown(name);
      }
  }
  const readableByAll = (mode & 0o004) !== 0;
  for (const [name, value] of found)
    if (readableByAll && holdsSecret(known.get(name)!, value))
      problems.push(`${file}: everybody can read it, and ${name} holds a secret; 'chmod o= ${file}' helps`);
  return found;
}

/** A value that is shown differently from what it is: a secret, or a URL with a password. */
function holdsSecret(setting: NamedSetting['setting'], value: unknown): boolean {
  if (setting.secret) return value !== '' && value !== null;
  return typeof value === 'string' && value !== '' && setting.show(value) !== value;
}

async function contentOf(file: string): Promise<{ content: string; mode: number }> {
  try {
    await using handle = await open(file);
    const { size, mode } = await handle.stat();
    if (size > fileLimit) throw new Error('it is larger than a megabyte');
    return { content: await handle.readFile('utf8'), mode };
  } catch (error) {
    throw new ConfigError([`${file}: ${error instanceof Error ? error.message : String(error)}`]);
  }
}

async function mapping(file: string, content: string): Promise<[string, unknown][]> {
  const { parseDocument } = await import('yaml');
  const document = parseDocument(content, { prettyErrors: false });
  const [problem] = document.errors;
  if (problem) {
    const line = content.slice(0, problem.pos[0]).split('\n').length;
    throw new ConfigError([`${file}:${line}: ${problem.message}`]);
  }
  const root: unknown = document.toJS({ maxAliasCount: 0 });
  if (root === null) return [];
  if (!isMapping(root)) throw new ConfigError([`${file}: it must hold settings, each as name: value`]);
  return Object.entries(root);
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
