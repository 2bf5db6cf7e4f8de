import { createSign } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import type { SamlKeys } from './keys.ts';
import { rsaSha256 } from './signing.ts';
import { escaped, namespaces } from './xml.ts';

/** Who asks a provider whom to let in, and where it shall answer. */
export interface AuthnRequest {
  id: string;
  issuer: string;
  callback: string;
  /** How it shall answer. */
  binding: 'HTTP-POST' | 'PAOS';
  /** Where it is asked; a client that carries messages finds that out itself. */
  destination?: string;
}

/** An `AuthnRequest` (SAML 2.0 core, 3.4.1). */
export function authnRequest({ id, issuer, callback, binding, destination }: AuthnRequest): string {
  return (
    `<samlp:AuthnRequest xmlns:samlp="${namespaces.protocol}" xmlns:saml="${namespaces.assertion}" ID="${id}" Version="2.0"` +
    ` IssueInstant="${new Date().toISOString()}"${destination ? ` Destination="${escaped(destination)}"` : ''}` +
    ` ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:${binding}"` +
    ` AssertionConsumerServiceURL="${escaped(callback)}">` +
    `<saml:Issuer>${escaped(issuer)}</saml:Issuer>` +
    '<samlp:NameIDPolicy AllowCreate="true"/></samlp:AuthnRequest>'
  );
}

/**
 * The address that brings a browser with a request to the provider. A signature is of the query's own octets, and
 * beside the message (SAML 2.0 bindings, 3.4.4.1).
 */
export function redirection(
  { to, request, relayState }: { to: string; request: string; relayState: string },
  keys: SamlKeys | undefined,
): string {
  const url = new URL(to);
  const message = deflateRawSync(request).toString('base64');
  let query = `SAMLRequest=${encodeURIComponent(message)}&RelayState=${encodeURIComponent(relayState)}`;
  if (keys) {
    query += `&SigAlg=${encodeURIComponent(rsaSha256)}`;
    const signature = createSign('sha256').update(query).sign(keys.key, 'base64');
    query += `&Signature=${encodeURIComponent(signature)}`;
  }
  url.search = url.search ? `${url.search}&${query}` : `?${query}`;
  return url.href;
}
