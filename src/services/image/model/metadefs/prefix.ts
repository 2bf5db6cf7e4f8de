/** What a namespace has, as far as the names of properties are in it. */
export interface Named {
  properties?: Record<string, unknown>;
  objects?: readonly { required?: readonly string[]; properties?: Record<string, unknown> }[];
}

/** The names that properties have on one type of resource: `cpu_policy` is `hw:cpu_policy` on flavors. */
export function withPrefix<T extends Named>(named: T, prefix: string): T {
  const renamed = (properties: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(properties).map(([name, each]) => [prefix + name, each]));
  return {
    ...named,
    ...(named.properties ? { properties: renamed(named.properties) } : {}),
    ...(named.objects
      ? {
          objects: named.objects.map((each) => ({
            ...each,
            ...(each.properties ? { properties: renamed(each.properties) } : {}),
            ...(each.required ? { required: each.required.map((name) => prefix + name) } : {}),
          })),
        }
      : {}),
  };
}
