import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { deflateRawSync } from 'node:zlib';
import { SAML, ValidateInResponseTo } from '@node-saml/node-saml';
import { XMLSerializer } from '@xmldom/xmldom';
import { BadRequest, Unauthorized } from '../../../../platform/errors/errors.ts';
import type { SamlOptions } from '../connections.ts';
import type { ProvenAssertion } from '../login.ts';
import { type ReadAssertion, readAssertion } from './assertion.ts';
import { childrenOf, escaped, namespaces, parseXml } from './xml.ts';

/** SAML 2.0 with one identity provider, as its service provider. */
export class SamlConnection {
  readonly #options: SamlOptions;
  readonly #callback: () => string;
  readonly #certificates: string[];

  constructor(options: SamlOptions, callback: () => string) {
    this.#options = options;
    this.#callback = callback;
    this.#certificates = options.certificates.map((given) =>
      given.startsWith('/') ? readFileSync(given, 'utf8') : given,
    );
  }

  /** Whether assertions are taken for which nobody asked: of another cloud, which sends its users with one. */
  get takesUnsolicited(): boolean {
    return this.#options.allow_unsolicited ?? false;
  }

  /** Our name to the provider. */
  get entityId(): string {
    return this.#options.sp_entity_id ?? this.#callback();
  }

  /**
   * Where the browser is sent to log in, and the id that the answer must name.
   *
   * @throws Unauthorized where it is not known where the provider asks people who they are
   */
  begin(relayState: string): { url: string; requestId: string } {
    const { sso_url } = this.#options;
    if (!sso_url) throw new Unauthorized('The identity provider has no address to log in at.');
    const requestId = newRequestId();
    const url = new URL(sso_url);
    const destination = ` Destination="${escaped(sso_url)}"`;
    const request = this.#authnRequest(requestId, 'HTTP-POST', destination);
    url.searchParams.set('SAMLRequest', deflateRawSync(request).toString('base64'));
    url.searchParams.set('RelayState', relayState);
    return { url: url.href, requestId };
  }

  /** The request for a client that carries it to the provider itself (SAML's ECP profile, PAOS). */
  carriedRequest(relayState: string, requestId: string): string {
    const { soap, ecp, paos } = namespaces;
    const header = 'S:mustUnderstand="1" S:actor="http://schemas.xmlsoap.org/soap/actor/next"';
    return (
      `<S:Envelope xmlns:S="${soap}"><S:Header>` +
      `<paos:Request xmlns:paos="${paos}" ${header} responseConsumerURL="${escaped(this.#callback())}" service="${ecp}"/>` +
      `<ecp:Request xmlns:ecp="${ecp}" ${header} IsPassive="0"><saml:Issuer xmlns:saml="${namespaces.assertion}">${escaped(this.entityId)}</saml:Issuer></ecp:Request>` +
      `<ecp:RelayState xmlns:ecp="${ecp}" ${header}>${escaped(relayState)}</ecp:RelayState>` +
      `</S:Header><S:Body>${this.#authnRequest(requestId, 'PAOS')}</S:Body></S:Envelope>`
    );
  }

  #authnRequest(id: string, binding: 'HTTP-POST' | 'PAOS', destination = ''): string {
    return (
      `<samlp:AuthnRequest xmlns:samlp="${namespaces.protocol}" xmlns:saml="${namespaces.assertion}" ID="${id}" Version="2.0"` +
      ` IssueInstant="${new Date().toISOString()}"${destination}` +
      ` ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:${binding}"` +
      ` AssertionConsumerServiceURL="${escaped(this.#callback())}">` +
      `<saml:Issuer>${escaped(this.entityId)}</saml:Issuer>` +
      '<samlp:NameIDPolicy AllowCreate="true"/></samlp:AuthnRequest>'
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
    const saml = new SAML({
      idpCert: this.#certificates,
      issuer: this.entityId,
      callbackUrl: this.#callback(),
      // Looked at below, in the assertion that was signed.
      audience: false,
      validateInResponseTo: ValidateInResponseTo.never,
      wantAssertionsSigned: false,
      wantAuthnResponseSigned: false,
      acceptedClockSkewMs: 60_000,
    });
    let signed: string | undefined;
    try {
      const { profile } = await saml.validatePostResponseAsync({
        SAMLResponse: Buffer.from(response).toString('base64'),
      });
      signed = profile?.getAssertionXml?.();
    } catch (cause) {
      throw new Unauthorized('The SAML response is not accepted.', { cause });
    }
    if (!signed) throw new Unauthorized('The SAML response has no assertion.');
    return readAssertion(signed, {
      issuer: this.#options.entity_id,
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
