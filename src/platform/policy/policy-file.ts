import { readFileSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { parse } from 'yaml';
import type { Enforcer, PolicyOverrides } from './enforcer.ts';
import { PolicyError } from './link.ts';

/** A policy file has hundreds of short lines; more than this is a mistake. */
const largest = 4 << 20;

/**
 * Reads a `policy.yaml` (JSON is YAML too): rule names with their check strings.
 *
 * @returns no overrides where there is no such file, or it is empty
 * @throws PolicyError where it is not such a mapping
 */
export function readPolicyFile(path: string): PolicyOverrides {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
  if (text.length > largest) throw new PolicyError([`${path} is larger than ${largest} characters`]);
  let content: unknown;
  try {
    content = parse(text);
  } catch (error) {
    throw new PolicyError([`${path} is not YAML: ${(error as Error).message}`]);
  }
  return parseOverrides(content, path);
}

const isTexts = (value: unknown) => Array.isArray(value) && value.every((one) => typeof one === 'string');
const isLists = (value: unknown) =>
  Array.isArray(value) && value.every((one) => typeof one === 'string' || isTexts(one));

/** @throws PolicyError naming the rules whose value is no check */
export function parseOverrides(content: unknown, origin: string): PolicyOverrides {
  if (content === null || content === undefined) return {};
  if (typeof content !== 'object' || Array.isArray(content)) {
    throw new PolicyError([`${origin} is not a mapping of rule names to checks`]);
  }
  const wrong = Object.entries(content).filter(([, value]) => typeof value !== 'string' && !isLists(value));
  if (wrong.length > 0) {
    // Upstream takes an empty value for "everybody": too much to follow from a missing word.
    throw new PolicyError(
      wrong.map(
        ([name]) => `rule "${name}" (${origin}) is no check string; "@" allows everybody, "!" nobody`,
      ),
    );
  }
  return content as PolicyOverrides;
}

/** What became of a changed file. */
export interface PolicyFileEvents {
  onReload?: (warnings: readonly string[]) => void;
  /** The file cannot be used; the rules from before stay in force. */
  onError?: (error: Error) => void;
}

/**
 * Loads a policy file into the enforcer, now and whenever it changes, appears or goes.
 * The folder is watched, not the file: editors and configuration tools replace files by renaming.
 *
 * @returns ends the watch; it does not keep the process alive by itself
 * @throws PolicyError, at the first reading only
 */
export function followPolicyFile(
  enforcer: Enforcer,
  path: string,
  events: PolicyFileEvents = {},
): Disposable {
  let last = '';
  const load = () => {
    const overrides = readPolicyFile(path);
    const text = JSON.stringify(overrides);
    if (text === last) return false;
    enforcer.load(overrides, path);
    last = text;
    return true;
  };
  // Watching begins before the first reading, so that no change falls between the two.
  const watcher = watch(dirname(path), { persistent: false }, (_, name) => {
    if (name !== null && name !== basename(path)) return;
    try {
      if (load()) events.onReload?.(enforcer.warnings);
    } catch (error) {
      events.onError?.(error as Error);
    }
  });
  watcher.on('error', (error) => events.onError?.(error));
  try {
    load();
  } catch (error) {
    watcher.close();
    throw error;
  }
  return { [Symbol.dispose]: () => watcher.close() };
}
