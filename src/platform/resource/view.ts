import type { Call } from '../http/call.ts';
import type { Microversion } from '../microversion/microversion.ts';
import { type Attributes, columnOf, existsAt } from './attribute.ts';
import type { View } from './style.ts';

interface Entry {
  name: string;
  read(row: Record<string, unknown>, call: Call): unknown;
  rule: string | undefined;
}

/**
 * @param only the attributes to show; all when absent
 * @returns a function that shows a row as this caller may see it at the microversion of the call
 */
export function viewer(
  attributes: Attributes,
  only?: readonly string[],
): (row: object, call: Call, target: object) => View {
  const byVersion = new Map<Microversion, Entry[]>();
  const entriesAt = (version: Microversion): Entry[] => {
    let entries = byVersion.get(version);
    if (!entries) {
      entries = Object.entries(attributes).flatMap(([name, attribute]) => {
        if (attribute.hidden || !existsAt(attribute, version) || (only && !only.includes(name))) return [];
        const from = attribute.from as ((row: object, call: Call) => unknown) | undefined;
        const column = columnOf(name, attribute) ?? name;
        const read: Entry['read'] = from ? (row, call) => from(row, call) : (row) => row[column];
        return [{ name, read, rule: attribute.policy?.show }];
      });
      byVersion.set(version, entries);
    }
    return entries;
  };
  return (row, call, target) => {
    const view: View = {};
    for (const { name, read, rule } of entriesAt(call.version)) {
      if (rule && !call.can(rule, target)) continue;
      const value = read(row as Record<string, unknown>, call);
      if (value !== undefined) view[name] = value;
    }
    return view;
  };
}
