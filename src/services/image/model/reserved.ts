/** What the service itself says of an image among its properties: nobody else may set names that begin so. */
export const reservedPrefix = 'os_glance';

/** What an import that is going on says of itself; clients wait on these. */
export const importTask = 'os_glance_import_task';
export const importingToStores = 'os_glance_importing_to_stores';
export const failedImport = 'os_glance_failed_import';
/** The host whose staging folder has the bytes; not shown. */
export const stageHost = 'os_glance_stage_host';
const hidden = new Set([stageHost, 'os_glance_hash_op_host']);

export const isReservedName = (name: string): boolean => name.startsWith(reservedPrefix);

/** The properties that people set. */
export const ownProperties = (properties: Record<string, string>): Record<string, string> =>
  pick(properties, (name) => !isReservedName(name));

/** The properties that the API shows. */
export const shownProperties = (properties: Record<string, string>): Record<string, string> =>
  pick(properties, (name) => !hidden.has(name));

function pick(properties: Record<string, string>, wanted: (name: string) => boolean): Record<string, string> {
  const names = Object.keys(properties);
  if (names.every(wanted)) return properties;
  return Object.fromEntries(Object.entries(properties).filter(([name]) => wanted(name)));
}

/** A list of stores' names as a property has it, with some added or taken away. */
export function changedStores(
  list: string | undefined,
  { add = [], remove = [] }: { add?: readonly string[]; remove?: readonly string[] },
): string {
  const names = new Set((list ?? '').split(',').filter((name) => name !== ''));
  for (const name of add) names.add(name);
  for (const name of remove) names.delete(name);
  return [...names].toSorted().join(',');
}
