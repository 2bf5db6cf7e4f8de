import type { PropertyTypes } from '../model/metadefs/property-type.ts';
import type {
  AssociationRow,
  NamespaceRow,
  ObjectRow,
  PropertyRow,
  ResourceTypeRow,
} from '../store/metadef-tables.ts';
import { isoTime } from './image-view.ts';

type View = Record<string, unknown>;

/** What has no value is not shown. */
const said = (fields: View): View =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined));

const times = (row: { created_at: string; updated_at: string }) => ({
  created_at: isoTime(row.created_at),
  updated_at: isoTime(row.updated_at),
});

/** What lies inside of a namespace, as it is shown with it; what is empty is left out. */
export interface Contents {
  resource_type_associations?: readonly View[];
  properties?: PropertyTypes;
  objects?: readonly View[];
  tags?: readonly { name: string }[];
}

export const namespacePath = (name: string): string => `/v2/metadefs/namespaces/${name}`;

export const toNamespaceView = (row: NamespaceRow, contents: Contents = {}): View =>
  said({
    namespace: row.namespace,
    display_name: row.display_name,
    description: row.description,
    visibility: row.visibility,
    protected: row.protected,
    owner: row.owner,
    ...times(row),
    ...contents,
    self: namespacePath(row.namespace),
    schema: '/v2/schemas/metadefs/namespace',
  });

/** Of what a create or an update did not say, its answer does not speak either. */
export const toObjectView = (
  namespace: string,
  row: Pick<ObjectRow, 'name' | 'description' | 'created_at' | 'updated_at'> & Partial<ObjectRow>,
): View =>
  said({
    name: row.name,
    description: row.description,
    required: row.required,
    properties: row.properties,
    ...times(row),
    self: `${namespacePath(namespace)}/objects/${row.name}`,
    schema: '/v2/schemas/metadefs/object',
  });

export const toPropertyViews = (rows: readonly PropertyRow[]): PropertyTypes =>
  Object.fromEntries(rows.map(({ name, json_schema }) => [name, json_schema]));

export const toAssociationView = (row: AssociationRow): View =>
  said({
    name: row.resource_type,
    prefix: row.prefix,
    properties_target: row.properties_target,
    ...times(row),
  });

export const toResourceTypeView = (row: ResourceTypeRow): View => ({ name: row.name, ...times(row) });

export const toTagView = (row: { name: string; created_at: string; updated_at: string }): View => ({
  name: row.name,
  ...times(row),
});
