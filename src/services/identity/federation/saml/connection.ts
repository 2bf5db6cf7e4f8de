import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { XMLSerializer } from '@xmldom/xmldom';
import { BadRequest, Unauthorized } from '../../../../platform/errors/errors.ts';
import type { SamlOptions } from '../connections.ts';
import type { ProvenAssertion } from '../login.ts';
import { type ReadAssertion, readAssertion } from './assertion.ts';
import { authnRequest, redirection } from './authn-request.ts';
import type { SamlKeys } from './keys.ts';
import { ownMetadata, type ProviderMetadata, providerMetadata } from './metadata.ts';
import { signedAssertion } from './response.ts';
import { enveloped } from './signing.ts';
import { childrenOf, escaped, namespaces, parseXml } from './xml.ts';

/** The key of our side: it signs requests, and opens what is encrypted for us. */
export interface OwnKeys {
  /** Whether the operator has named it: one that was made by itself signs for providers only that want it. */
  configured: boolean;
  /** Made when it is first asked for. */
  keys(): Promise<SamlKeys>;
}

/** SAML 2.0 with one identity provider, as its service provider. */
export class SamlConnection {
  readonly #options: SamlOptions;
  readonly #callback: () => string;
  readonly #provider: ProviderMetadata;
  readonly #own: OwnKeys;

  /** @throws TypeError where it is not said who the provider is, or what its signatures are known by */
  constructor(options: SamlOptions, callback: () => string, own: OwnKeys) {
    this.#options = options;
    this.#callback = callback;
    this.#own = own;
    const { entity_id, certificates, sso_url, metadata } = options;
    const said = metadata === undefined ? undefined : providerMetadata(textOf(metadata), entity_id);
    this.#provider = {
      entityId: entity_id ?? said?.entityId ?? '',
      certificates: certificates?.map(textOf) ?? said?.certificates ?? [],
      ssoUrl: sso_url ?? said?.ssoUrl,
      wantsSignedRequests: said?.wantsSignedRequests ?? false,
    };
    if (!this.#provider.entityId) throw new TypeError('entity_id or metadata is needed');
    if (this.#provider.certificates.length === 0) throw new TypeError('no certificates of the provider');
  }

  /** Whether assertions are taken for which nobody asked: of another cloud, which sends its users with one. */
  get takesUnsolicited(): boolean {
    return this.#options.allow_unsolicited ?? false;
  }

  /** Our name to the provider. */
  get entityId(): string {
    return this.#options.sp_entity_id ?? this.#callback();
  }

  get #signsRequests(): boolean {
    return this.#own.configured || this.#provider.wantsSignedRequests;
  }

  /** What the provider must know of us. */
  async metadata(): Promise<string> {
    const { certificate } = await this.#own.keys();
    return ownMetadata({
      entityId: this.entityId,
      callback: this.#callback(),
      certificate,
      signsRequests: this.#signsRequests,
    });
  }

  /**
   * Where the browser is sent to log in, and the id that the answer must name.
   *
   * @throws Unauthorized where it is not known where the provider asks people who they are
   */
  async begin(relayState: string): Promise<{ url: string; requestId: string }> {
    const { ssoUrl: to } = this.#provider;
    if (!to) throw new Unauthorized('The identity provider has no address to log in at.');
    const requestId = newRequestId();
    const request = authnRequest({
      id: requestId,
      issuer: this.entityId,
      callback: this.#callback(),
      binding: 'HTTP-POST',
      destination: to,
    });
    const keys = this.#signsRequests ? await this.#own.keys() : undefined;
    return { url: redirection({ to, request, relayState }, keys), requestId };
  }

  /** The request for a client that carries it to the provider itself (SAML's ECP profile, PAOS). */
  async carriedRequest(relayState: string, requestId: string): Promise<string> {
    const { soap, ecp, paos } = namespaces;
    const callback = this.#callback();
    const plain = authnRequest({ id: requestId, issuer: this.entityId, callback, binding: 'PAOS' });
    const request = this.#signsRequests ? enveloped(plain, await this.#own.keys()) : plain;
    const header = 'S:mustUnderstand="1" S:actor="http://schemas.xmlsoap.org/soap/actor/next"';
    return (
      `<S:Envelope xmlns:S="${soap}"><S:Header>` +
      `<paos:Request xmlns:paos="${paos}" ${header} responseConsumerURL="${escaped(callback)}" service="${ecp}"/>` +
      `<ecp:Request xmlns:ecp="${ecp}" ${header} IsPassive="0"><saml:Issuer xmlns:saml="${namespaces.assertion}">${escaped(this.entityId)}</saml:Issuer></ecp:Request>` +
      `<ecp:RelayState xmlns:ecp="${ecp}" ${header}>${escaped(relayState)}</ecp:RelayState>` +
      `</S:Header><S:Body>${request}</S:Body></S:Envelope>`
    );
  }

  /**
   * Verifies a response. What is read is only what the provider's key has signed; whether the assertion was used
   * before, and answers the login that it says, is the caller's to look at.
   *
   * @param response XML
   * @throws Unauthorized, BadRequest
   */
  async verify(response: string): Promise<ReadAssertion> {
    parseXml(response);
    let signed: string;
    try {
      signed = await signedAssertion(response, {
        certificates: this.#provider.certificates,
        key: async () => (await this.#own.keys()).key,
      });
    } catch (cause) {
      throw new Unauthorized('The SAML response is not accepted.', { cause });
    }
    return readAssertion(signed, {
      issuer: this.#provider.entityId,
      recipient: this.#callback(),
      audience: this.entityId,
      requireAudience: this.#options.require_audience ?? true,
      now: Date.now(),
    });
  }

  readonly newRequestId = newRequestId;
  readonly responseInEnvelope = responseInEnvelope;
  readonly attributesOf = samlAttributes;
}

/** What is in a file, where it is the path of one. */
const textOf = (given: string): string => (given.startsWith('/') ? readFileSync(given, 'utf8') : given);

/** The id that the answer to a request must name. */
const newRequestId = (): string => `_${randomBytes(20).toString('hex')}`;

/** A response inside of a SOAP envelope, as clients that are no browsers bring it (SAML's ECP profile). */
function responseInEnvelope(text: string): { response: string; relayState: string | undefined } {
  const { soap, protocol, ecp } = namespaces;
  const envelope = parseXml(text).documentElement;
  const [body] = envelope.localName === 'Envelope' ? childrenOf(envelope, soap, 'Body') : [];
  const [response] = body ? childrenOf(body, protocol, 'Response') : [];
  if (!response) throw new BadRequest('The envelope has no SAML response.');
  const [header] = childrenOf(envelope, soap, 'Header');
  const [relayState] = header ? childrenOf(header, ecp, 'RelayState') : [];
  return {
    response: new XMLSerializer().serializeToString(response),
    relayState: relayState?.textContent?.trim() || undefined,
  };
}

/** An assertion's attributes under the names that mod_auth_mellon and mod_shib give them too. */
function samlAttributes(read: ReadAssertion): ProvenAssertion {
  const { attributes, nameId, issuer } = read;
  const mellon = Object.entries(attributes).map(([name, values]) => [`MELLON_${name}`, values]);
  return {
    attributes: {
      ...attributes,
      ...(Object.fromEntries(mellon) as Record<string, readonly string[]>),
      ...(nameId ? { MELLON_NAME_ID: [nameId], REMOTE_USER: [nameId] } : {}),
      MELLON_IDP: [issuer],
      'Shib-Identity-Provider': [issuer],
    },
    ...(nameId ? { remoteUser: nameId } : {}),
  };
}
