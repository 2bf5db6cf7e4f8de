import type { Setting } from './setting.ts';

/** Settings by name; a service's are a section under the service's name. */
export type SettingsSchema = { readonly [name: string]: Setting<unknown> | Section };
export type Section = { readonly [name: string]: Setting<unknown> };

/** What the settings of a schema are once they are read: `values.compute.cpu_allocation_ratio`. */
export type Values<S> = {
  readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : Values<S[K]>;
};

/** A setting with every name that it goes by. */
export interface NamedSetting {
  /** In the file and on the screen: `compute.cpu_allocation_ratio`. */
  name: string;
  keys: readonly string[];
  /** `CUMULET_COMPUTE_CPU_ALLOCATION_RATIO` */
  variable: string;
  /** `--compute-cpu-allocation-ratio` */
  flag: string;
  /** The flag's name in parsed options: `computeCpuAllocationRatio`. */
  option: string;
  setting: Setting<unknown>;
}

/** All settings of a schema in its order, each with its names: all of them follow from the one in the schema. */
export function settingsOf(schema: SettingsSchema): NamedSetting[] {
  return Object.entries(schema).flatMap(([key, item]) =>
    isSetting(item)
      ? [named([key], item)]
      : Object.entries(item).map(([inner, setting]) => named([key, inner], setting)),
  );
}

function named(keys: string[], setting: Setting<unknown>): NamedSetting {
  const words = keys.join('_').replaceAll('-', '_').split('_');
  return {
    name: keys.join('.'),
    keys,
    variable: `CUMULET_${words.join('_').toUpperCase()}`,
    flag: `--${words.join('-')}`,
    option: words
      .map((word, n) => (n === 0 ? word : word.slice(0, 1).toUpperCase() + word.slice(1)))
      .join(''),
    setting,
  };
}

const isSetting = (item: Setting<unknown> | Section): item is Setting<unknown> =>
  typeof item.parse === 'function';
