import type { Values } from '../../platform/config/schema.ts';
import { boolean, choice, integer, list, text } from '../../platform/config/setting.ts';
import { defaultAuthMethods } from './model/auth-methods.ts';
import { defaultExpiration } from './model/token-expiry.ts';
import { backendSettings } from './settings/backends.ts';
import { federationSettings } from './settings/federation.ts';
import { notificationSettings } from './settings/notifications.ts';
import { oauth1Settings } from './settings/oauth1.ts';
import { passwordSettings } from './settings/passwords.ts';
import { tokenSettings } from './settings/tokens.ts';

/** The section `identity` of the cloud's settings; names and defaults are keystone's where it has them. */
export const identitySettings = {
  ...federationSettings,
  token_expiration: integer({
    description: 'How long a token is good, in seconds.',
    default: defaultExpiration,
    min: 1,
    max: 10 * 365 * 86_400,
  }),
  domain_config_additional_whitelisted_options: list({
    description: 'Options beside the usual ones that domains may be configured with: ldap.user_allow_create.',
    default: [],
  }),
  enforcement_model: choice(['flat', 'strict_two_level'], {
    description: 'Whether the limits of projects stay within those of their domains.',
    default: 'flat',
  }),
  return_all_endpoints_if_no_filter: boolean({
    description: 'Whether a project without endpoints of its own sees all of them in its catalog.',
    default: true,
  }),
  ...notificationSettings,
  ...passwordSettings,
  ...oauth1Settings,
  ...tokenSettings,
  ...backendSettings,
  application_credential_user_limit: integer({
    description: 'The most application credentials of one user; -1 for any number.',
    default: -1,
    min: -1,
    max: 1_000_000,
  }),
  max_redelegation_count: integer({
    description: 'How many times a trust can be handed on at most.',
    default: 3,
    min: 0,
    max: 1000,
  }),
  auth_methods: list({
    description: 'The ways to say who one is; their order is part of tokens, so add new ones at the end.',
    default: [...defaultAuthMethods],
  }),
  external_secret: text({
    description:
      'What a web server in front sends as X-External-Secret so that it is believed whom it has authenticated; empty: nobody is.',
    default: '',
    secret: true,
  }),
  external_user_header: text({
    description: "The header in which that server names the user ('REMOTE_USER').",
    default: 'x-remote-user',
  }),
  external_domain_header: text({
    description:
      "The header in which it names the user's domain ('REMOTE_DOMAIN'); without it, the default domain.",
    default: 'x-remote-domain',
  }),
  receipt_expiration: integer({
    description: 'How long one may take from one method of authentication to the next, in seconds.',
    default: 300,
    min: 1,
    max: 86_400,
  }),
  credential_auth_ttl: integer({
    description: 'How long a request that is signed with an EC2 key pair is good, in minutes.',
    default: 15,
    min: 1,
    max: 10_080,
  }),
  totp_included_previous_windows: integer({
    description: 'How many periods of 30 seconds a TOTP passcode is good beyond its own.',
    default: 1,
    min: 0,
    max: 10,
  }),
  allow_rescope_scoped_token: boolean({
    description: 'Whether a token for one project or domain can be used to get one for another.',
    default: true,
  }),
} as const;

export type IdentitySettings = Values<typeof identitySettings>;
