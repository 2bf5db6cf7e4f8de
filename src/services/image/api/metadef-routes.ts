import type { Route } from '../../../platform/http/route.ts';
import type { ImageStoreDb } from '../store/images.ts';
import { metadefQueries } from '../store/metadef-namespaces.ts';
import { metadefNamespaceRoutes } from './metadef-namespaces.ts';
import { metadefObjectRoutes } from './metadef-objects.ts';
import { metadefPropertyRoutes } from './metadef-properties.ts';
import { metadefResourceTypeRoutes } from './metadef-resource-types.ts';
import { metadefSchemaRoutes } from './metadef-schemas.ts';
import { metadefTagRoutes } from './metadef-tags.ts';

/** Everything about metadata definitions. */
export function metadefRoutes(store: ImageStoreDb): Route[] {
  const queries = metadefQueries(store);
  return [
    ...metadefSchemaRoutes,
    ...metadefNamespaceRoutes(store, queries),
    ...metadefObjectRoutes(store, queries),
    ...metadefPropertyRoutes(store, queries),
    ...metadefTagRoutes(store, queries),
    ...metadefResourceTypeRoutes(store, queries),
  ];
}
