import type { Route } from '../../../platform/http/route.ts';
import { jsonHomeNames } from './json-home-names.ts';

export const jsonHomeType = 'application/json-home';
const base = 'https://docs.openstack.org/api/openstack-identity/3';
const experimental = /^\/(?:registered_limits|limits)(?:\/|$)/;

/** Parameters that have another name in JSON home than in the path. */
const parameterNames: Readonly<Record<string, string>> = {
  group: 'config_group',
  option: 'config_option',
  value: 'tag_value',
  prior_role_id: 'role_id',
  implied_role_id: 'role_id',
};
/** Parameters that belong to an extension. */
const parameterExtensions: Readonly<Record<string, string>> = {
  endpoint_group_id: 'OS-EP-FILTER',
  idp_id: 'OS-FEDERATION',
  protocol_id: 'OS-FEDERATION',
  service_provider_id: 'OS-FEDERATION',
  mapping_id: 'OS-FEDERATION',
  consumer_id: 'OS-OAUTH1',
  request_token_id: 'OS-OAUTH1',
  access_token_id: 'OS-OAUTH1',
  trust_id: 'OS-TRUST',
};

const named = (kind: 'rel' | 'param', name: string, extension?: string): string =>
  extension ? `${base}/ext/${extension}/1.0/${kind}/${name}` : `${base}/${kind}/${name}`;

/** A path as it is whatever its parameters are called. */
const shape = (path: string): string => path.replaceAll(/:\w+|\{\w+\}/g, '{}');

/**
 * What there is below /v3, as JSON home says it (draft-nottingham-json-home): resources by the names that clients know
 * them by. Only what is served is named.
 * @param prefix put before each path
 */
export function jsonHome(routes: readonly Route[], prefix = ''): { resources: Record<string, object> } {
  const served = new Set(routes.map((each) => shape(each.path)));
  const resources: Record<string, object> = {};
  for (const [extension, paths] of Object.entries(jsonHomeNames)) {
    for (const [name, path] of Object.entries(paths)) {
      if (!served.has(`/v3${shape(path)}`)) continue;
      const variables = [...path.matchAll(/\{(\w+)\}/g)].map(([, each = '']) => each);
      const hints = experimental.test(path) ? { hints: { status: 'experimental' } } : {};
      const rel = named('rel', name, extension === 'core' ? undefined : extension);
      resources[rel] =
        variables.length === 0
          ? { href: prefix + path, ...hints }
          : {
              'href-template': prefix + path,
              'href-vars': Object.fromEntries(variables.map(variable)),
              ...hints,
            };
    }
  }
  return { resources };
}

const variable = (name: string): [string, string] => [
  name,
  named('param', parameterNames[name] ?? name, parameterExtensions[name]),
];

/** Whether a client would rather have JSON home than plain JSON (RFC 9110, 12.5.1). */
export function prefersJsonHome(accept = ''): boolean {
  const offers = accept.split(',').map((each) => {
    const [range = '', ...parameters] = each.split(';').map((part) => part.trim().toLowerCase());
    const q = parameters.find((part) => part.startsWith('q='))?.slice(2);
    return { range, quality: q === undefined ? 1 : Number(q) || 0 };
  });
  const quality = (type: string): number => {
    const ranges = [type, 'application/*', '*/*'];
    return (
      ranges
        .map((range) => offers.find((each) => each.range === range)?.quality)
        .find((q) => q !== undefined) ?? 0
    );
  };
  return quality(jsonHomeType) > quality('application/json');
}
