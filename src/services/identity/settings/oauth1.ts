import { boolean, integer } from '../../../platform/config/setting.ts';

/** keystone's `[oauth1]`, and of oslo.middleware what signatures need. */
export const oauth1Settings = {
  oauth1_request_token_duration: integer({
    description: 'For how many seconds a user can say yes to what a consumer asks; 0 for ever.',
    default: 28_800,
    min: 0,
    max: 10 * 365 * 86_400,
  }),
  oauth1_access_token_duration: integer({
    description: 'For how many seconds a consumer can act for the user who said yes; 0 for ever.',
    default: 86_400,
    min: 0,
    max: 10 * 365 * 86_400,
  }),
  enable_proxy_headers_parsing: boolean({
    description:
      'Whether signed requests come by a proxy that ends TLS and says (Forwarded, X-Forwarded-Proto, -Host, -Prefix) which URL was called. Only where nobody comes past it.',
    default: false,
  }),
} as const;
