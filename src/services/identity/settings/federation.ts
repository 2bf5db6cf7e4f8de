import { choice, integer, list, options, text } from '../../../platform/config/setting.ts';

/** Federation: keystone's `[federation]` and `[saml]` by their names there, and what is asked of a web server there. */
export const federationSettings = {
  attribute_mapping_default_schema_version: choice(['1.0', '2.0', '3.0'], {
    description: 'The version of a mapping that does not say it.',
    default: '1.0',
  }),
  default_authorization_ttl: integer({
    description: 'How many minutes memberships outlast a federated login where its provider does not say.',
    default: 0,
    min: 0,
    max: 5_256_000,
  }),
  remote_id_attribute: text({
    description: 'The attribute by which an assertion says who made it, where its protocol does not say.',
    default: '',
  }),
  trusted_dashboard: list({
    description: 'The only addresses to which a browser is sent back with a token.',
    default: [],
  }),
  federation: options({
    description:
      'How identity providers are reached, by `<identity provider>/<protocol>`: federation/README.md has the words.',
    default: {},
    secret: true,
  }),
  federation_url: text({
    description: 'The address of identity as browsers and providers know it; empty: as the catalog has it.',
    default: '',
  }),
  saml_entity_id: text({
    description:
      "The name of this cloud as a SAML identity provider ('idp_entity_id'); empty: its metadata's address.",
    default: '',
  }),
  saml_sso_endpoint: text({
    description:
      "Where its metadata says that it is asked ('idp_sso_endpoint'); empty: at /v3/auth/OS-FEDERATION/saml2.",
    default: '',
  }),
  saml_keyfile: text({
    description:
      "The PEM file of the key that signs assertions ('keyfile'); empty: one is made in the state directory.",
    default: '',
  }),
  saml_certfile: text({ description: "The PEM file of its certificate ('certfile').", default: '' }),
  assertion_expiration_time: integer({
    description: 'How many seconds an assertion is good.',
    default: 3600,
    min: 1,
    max: 86_400,
  }),
} as const;
