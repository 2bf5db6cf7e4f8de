import { bigint, json, type Row, table, text } from '../../../../platform/store/table.ts';
import type { Extra } from '../tables.ts';

/** Programs that users may let act for them. */
export const consumers = table(
  'oauth_consumers',
  {
    id: text({ length: 64 }),
    description: text({ nullable: true, length: 65_535 }),
    /** As it is: it signs, so a hash of it would be of no use. */
    secret: text({ length: 64 }),
    extra: json<Extra>({ default: {} }),
  },
  { primaryKey: ['id'] },
);
export type ConsumerRow = Row<typeof consumers>;

/** What a consumer asks for, until a user has said yes and the consumer has fetched its access token. */
export const requestTokens = table(
  'oauth_request_tokens',
  {
    id: text({ length: 64 }),
    secret: text({ length: 64 }),
    consumer_id: text({ length: 64 }),
    project_id: text({ length: 64 }),
    /** Null until a user has authorized it, as the next two. */
    user_id: text({ length: 64, nullable: true }),
    verifier: text({ length: 64, nullable: true }),
    role_ids: json<string[]>({ nullable: true }),
    /** ISO 8601 with microseconds; null for never. */
    expires_at: text({ length: 32, nullable: true }),
  },
  {
    primaryKey: ['id'],
    indexes: [['user_id'], ['project_id'], ['expires_at']],
    references: [{ columns: ['consumer_id'], table: consumers, onDelete: 'cascade' }],
  },
);
export type RequestTokenRow = Row<typeof requestTokens>;

/** What a user lets a consumer do for him. */
export const accessTokens = table(
  'oauth_access_tokens',
  {
    id: text({ length: 64 }),
    secret: text({ length: 64 }),
    consumer_id: text({ length: 64 }),
    project_id: text({ length: 64 }),
    user_id: text({ length: 64 }),
    role_ids: json<string[]>(),
    expires_at: text({ length: 32, nullable: true }),
  },
  {
    primaryKey: ['id'],
    indexes: [['user_id'], ['project_id'], ['expires_at']],
    references: [{ columns: ['consumer_id'], table: consumers, onDelete: 'cascade' }],
  },
);
export type AccessTokenRow = Row<typeof accessTokens>;

/** Requests that have been answered: none is answered twice. */
export const oauthNonces = table(
  'oauth_nonces',
  {
    /** A hash of consumer, token, time and nonce. */
    id: text({ length: 64 }),
    /** Seconds since 1970: later the request is too old anyway. */
    forget_at: bigint(),
  },
  { primaryKey: ['id'], indexes: [['forget_at']] },
);

export const oauth1Tables = { consumers, requestTokens, accessTokens, oauthNonces };
