/**
 * A standard namespace, as every cloud has it from its first start. Names, types, values and defaults are those of
 * glance (etc/metadefs), its slips of the pen included: images and flavors everywhere are described by them.
 */
export interface Definition {
  namespace: string;
  display_name: string;
  description: string;
  /** Not said: private, for administrators only. */
  visibility?: 'public';
  protected?: true;
  /** What it describes, with the prefix of names there (empty: none), and which of its sets of properties is meant. */
  resource_types?: readonly (readonly [name: string, prefix?: string, target?: string])[];
  properties?: Readonly<Record<string, DefinedProperty>>;
  objects?: Readonly<
    Record<string, { description: string; properties: Readonly<Record<string, DefinedProperty>> }>
  >;
}

export interface DefinedProperty {
  title: string;
  description: string;
  type: 'string' | 'integer' | 'number' | 'boolean' | 'array';
  operators?: readonly string[];
  enum?: readonly string[];
  items?: { type: 'string'; enum: readonly string[] };
  default?: string | number;
  minimum?: number;
  maximum?: number;
  pattern?: string;
  readonly?: boolean;
}

export const words = (list: string): string[] => list.split(' ');

/** How flavors may compare with several values: one of them must hold, or all. */
export const oneOf = ['<or>'] as const;
export const someOrAll = ['<or>', '<all-in>'] as const;

export const uuidPattern =
  '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$';

export const version = (product: string): DefinedProperty => ({
  title: 'Version',
  description: `Which version of ${product} it is.`,
  type: 'string',
});

export const port = (title: string, byDefault: number, description: string): DefinedProperty => ({
  title,
  description,
  type: 'integer',
  minimum: 1,
  maximum: 65_535,
  default: byDefault,
});

export const adminUser = (byDefault?: string): DefinedProperty => ({
  title: 'Admin User',
  description: 'The user who may do everything.',
  type: 'string',
  ...(byDefault === undefined ? {} : { default: byDefault }),
});
