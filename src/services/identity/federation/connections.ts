import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { type Static, Type } from 'typebox';
import { sameSecret } from '../../../platform/auth/same-secret.ts';
import { validator } from '../../../platform/http/validation.ts';
import type { ProvenAssertion } from './login.ts';
import type { OpenIdConnection } from './openid.ts';
import type { OwnKeys, SamlConnection } from './saml/connection.ts';

const Text = Type.String({ minLength: 1, maxLength: 4096 });
const closed = <P extends Parameters<typeof Type.Object>[0]>(properties: P) =>
  Type.Object(properties, { additionalProperties: false });

const Saml2 = closed({
  type: Type.Literal('saml2'),
  entity_id: Type.Optional(Text),
  certificates: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 16_384 }), { minItems: 1, maxItems: 8 }),
  ),
  metadata: Type.Optional(Type.String({ minLength: 1, maxLength: 512 * 1024 })),
  sp_key_file: Type.Optional(Text),
  sp_certificate_file: Type.Optional(Text),
  sso_url: Type.Optional(Text),
  sp_entity_id: Type.Optional(Text),
  require_audience: Type.Optional(Type.Boolean()),
  allow_unsolicited: Type.Optional(Type.Boolean()),
});
const OpenId = closed({
  type: Type.Literal('openid'),
  issuer: Text,
  client_id: Text,
  client_secret: Type.Optional(Text),
  client_secret_file: Type.Optional(Text),
  scopes: Type.Optional(Type.String({ pattern: '\\bopenid\\b' })),
  accepted_clients: Type.Optional(Type.Array(Text)),
  userinfo: Type.Optional(Type.Boolean()),
  introspection: Type.Optional(Type.Boolean()),
});
const Headers = closed({
  type: Type.Literal('headers'),
  secret: Type.Optional(Type.String({ minLength: 16 })),
  secret_file: Type.Optional(Text),
  secret_header: Type.Optional(Text),
  prefix: Type.Optional(Text),
  remote_user_header: Type.Optional(Text),
});
const checks = { saml2: validator(Saml2), openid: validator(OpenId), headers: validator(Headers) };

export type SamlOptions = Static<typeof Saml2>;
export type OpenIdOptions = Static<typeof OpenId>;

/** How one protocol of one identity provider is spoken. */
export interface Connection {
  saml?: SamlConnection;
  openId?: OpenIdConnection;
  /** The word of a web server in front of us, where it shows that it is it; otherwise undefined. */
  fromHeaders?(headers: IncomingHttpHeaders): ProvenAssertion | undefined;
}

/** The connections of the settings: `{ "<identity provider>/<protocol>": { type: … } }`. */
export class Connections {
  readonly #all = new Map<string, Connection & { idpId: string; protocolId: string }>();

  /**
   * What a protocol needs is loaded where one is spoken.
   *
   * @param url where identity is, as providers and browsers know it; asked when it is needed
   * @param own the key for providers of SAML that have none of their own
   * @throws TypeError naming the connection and what is wrong with it
   */
  static async open(
    settings: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
    url: () => string,
    own: OwnKeys,
  ): Promise<Connections> {
    const connections = new Connections();
    for (const [name, options] of Object.entries(settings)) {
      const cut = name.lastIndexOf('/');
      if (cut < 1) throw new TypeError(`federation: '${name}' is not <identity provider>/<protocol>`);
      const [idpId, protocolId] = [name.slice(0, cut), name.slice(cut + 1)];
      connections.#all.set(name, {
        ...(await connection(name, options, { callback: () => url() + authPath(idpId, protocolId), own })),
        idpId,
        protocolId,
      });
    }
    return connections;
  }

  get(idpId: string, protocolId: string): Connection | undefined {
    return this.#all.get(`${idpId}/${protocolId}`);
  }

  /** The identity providers with which this protocol is spoken. */
  withProtocol(protocolId: string): string[] {
    return [...this.#all.values()].filter((each) => each.protocolId === protocolId).map((each) => each.idpId);
  }

  get protocolIds(): string[] {
    return [...new Set([...this.#all.values()].map((each) => each.protocolId))];
  }
}

/** Where assertions come in and tokens go out. */
export const authPath = (idpId: string, protocolId: string): string =>
  `/v3/OS-FEDERATION/identity_providers/${encodeURIComponent(idpId)}/protocols/${encodeURIComponent(protocolId)}/auth`;

async function connection(
  name: string,
  options: Readonly<Record<string, unknown>>,
  { callback, own }: { callback: () => string; own: OwnKeys },
): Promise<Connection> {
  const type = options['type'];
  if (type !== 'saml2' && type !== 'openid' && type !== 'headers') {
    throw new TypeError(`federation: ${name}: type must be one of saml2, openid, headers`);
  }
  const problem = checks[type](options);
  if (problem) throw new TypeError(`federation: ${name}: ${[...problem.path].join('.')} ${problem.keyword}`);
  if (type === 'saml2') {
    const { SamlConnection } = await import('./saml/connection.ts');
    const given = options as SamlOptions;
    try {
      return { saml: new SamlConnection(given, callback, ownKeys(given) ?? own) };
    } catch (cause) {
      throw new TypeError(`federation: ${name}: ${cause instanceof Error ? cause.message : cause}`, {
        cause,
      });
    }
  }
  if (type === 'openid') {
    const { OpenIdConnection } = await import('./openid.ts');
    const { client_secret_file, ...rest } = options as OpenIdOptions;
    const secret = rest.client_secret ?? (client_secret_file ? secretIn(client_secret_file) : undefined);
    return {
      openId: new OpenIdConnection({ ...rest, ...(secret ? { client_secret: secret } : {}) }, callback),
    };
  }
  return headersConnection(name, options as Static<typeof Headers>);
}

function ownKeys({ sp_key_file, sp_certificate_file }: SamlOptions): OwnKeys | undefined {
  if (!sp_key_file && !sp_certificate_file) return undefined;
  if (!sp_key_file || !sp_certificate_file)
    throw new TypeError('sp_key_file and sp_certificate_file come together');
  const keys = {
    key: readFileSync(sp_key_file, 'utf8'),
    certificate: readFileSync(sp_certificate_file, 'utf8'),
  };
  if (createPrivateKey(keys.key).asymmetricKeyType !== 'rsa')
    throw new TypeError('sp_key_file is not of RSA');
  return { configured: true, keys: () => Promise.resolve(keys) };
}

const secretIn = (file: string): string => readFileSync(file, 'utf8').trim();

function headersConnection(name: string, options: Static<typeof Headers>): Connection {
  const secret = options.secret ?? (options.secret_file ? secretIn(options.secret_file) : '');
  if (secret.length < 16)
    throw new TypeError(`federation: ${name}: a secret of 16 characters or more is needed`);
  const secretHeader = (options.secret_header ?? 'x-federation-secret').toLowerCase();
  const prefix = (options.prefix ?? 'x-federation-').toLowerCase();
  const userHeader = (options.remote_user_header ?? 'x-remote-user').toLowerCase();
  return {
    fromHeaders(headers) {
      const given = headers[secretHeader];
      if (typeof given !== 'string' || !sameSecret(given, secret)) return undefined;
      const attributes: Record<string, string> = {};
      for (const [header, value] of Object.entries(headers)) {
        if (!header.startsWith(prefix) || header === secretHeader || typeof value !== 'string') continue;
        // Headers come as Latin-1, and many servers put UTF-8 into them.
        const text = utf8(value);
        attributes[header] = text;
        attributes[`HTTP_${header.toUpperCase().replaceAll('-', '_')}`] = text;
      }
      const remoteUser = headers[userHeader];
      const named = typeof remoteUser === 'string' && remoteUser !== '' ? utf8(remoteUser) : undefined;
      return {
        attributes: { ...attributes, ...(named ? { REMOTE_USER: named } : {}) },
        ...(named ? { remoteUser: named } : {}),
      };
    },
  };
}

function utf8(value: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'latin1'));
  } catch {
    return value;
  }
}
