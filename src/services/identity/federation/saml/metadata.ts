import { encryptionMethods } from './decryption.ts';
import { childrenOf, escaped, namespaces, parseXml } from './xml.ts';

/** What a provider says of itself. */
export interface ProviderMetadata {
  entityId: string;
  /** PEM; of its signatures. */
  certificates: string[];
  /** Where browsers are sent to, by HTTP-Redirect. */
  ssoUrl: string | undefined;
  wantsSignedRequests: boolean;
}

const redirect = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect';

/**
 * Reads a provider's metadata (SAML 2.0 metadata, 2.4.3), alone or among others.
 *
 * @param entityId whose, where there are several
 * @throws TypeError where there is none of it
 */
export function providerMetadata(xml: string, entityId?: string): ProviderMetadata {
  const { metadata: ns } = namespaces;
  const root = parseXml(xml).documentElement;
  const entities =
    root.localName === 'EntitiesDescriptor' ? childrenOf(root, ns, 'EntityDescriptor') : [root];
  const providers = entities.flatMap((entity) => {
    const [provider] = childrenOf(entity, ns, 'IDPSSODescriptor');
    const id = entity.getAttribute('entityID');
    return provider && id && (entityId === undefined || id === entityId) ? [{ provider, id }] : [];
  });
  const [found, ...more] = providers;
  if (!found || more.length > 0)
    throw new TypeError(
      found ? 'the metadata has several providers: name one' : 'no provider in the metadata',
    );
  const { provider, id } = found;
  const services = childrenOf(provider, ns, 'SingleSignOnService');
  const service = services.find((each) => each.getAttribute('Binding') === redirect);
  return {
    entityId: id,
    certificates: childrenOf(provider, ns, 'KeyDescriptor')
      .filter((each) => each.getAttribute('use') !== 'encryption')
      .flatMap(certificatesIn),
    ssoUrl: service?.getAttribute('Location') || undefined,
    wantsSignedRequests: /^(?:true|1)$/.test(provider.getAttribute('WantAuthnRequestsSigned')?.trim() ?? ''),
  };
}

function certificatesIn(descriptor: Element): string[] {
  const { signature: ns } = namespaces;
  return childrenOf(descriptor, ns, 'KeyInfo')
    .flatMap((info) => childrenOf(info, ns, 'X509Data'))
    .flatMap((data) => childrenOf(data, ns, 'X509Certificate'))
    .map((each) => {
      const lines = (each.textContent ?? '').replaceAll(/\s/g, '').replaceAll(/.{64}(?=.)/g, '$&\n');
      return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
    });
}

/** What a provider must know of us: our name, where answers go, and how they are encrypted. */
export function ownMetadata(of: {
  entityId: string;
  callback: string;
  certificate: string;
  signsRequests: boolean;
}): string {
  const certificate = of.certificate.replaceAll(/-----[A-Z ]+-----|\s/g, '');
  const key = (use: string, more = '') =>
    `<md:KeyDescriptor use="${use}"><ds:KeyInfo xmlns:ds="${namespaces.signature}"><ds:X509Data>` +
    `<ds:X509Certificate>${certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>${more}</md:KeyDescriptor>`;
  const methods = encryptionMethods.map((each) => `<md:EncryptionMethod Algorithm="${each}"/>`).join('');
  const service = (binding: string, index: number) =>
    `<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:${binding}"` +
    ` Location="${escaped(of.callback)}" index="${index}"${index === 0 ? ' isDefault="true"' : ''}/>`;
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n<md:EntityDescriptor xmlns:md="${namespaces.metadata}" entityID="${escaped(of.entityId)}">` +
    `<md:SPSSODescriptor AuthnRequestsSigned="${of.signsRequests}" WantAssertionsSigned="true" protocolSupportEnumeration="${namespaces.protocol}">` +
    key('signing') +
    key('encryption', methods) +
    service('HTTP-POST', 0) +
    service('PAOS', 1) +
    '</md:SPSSODescriptor></md:EntityDescriptor>\n'
  );
}
