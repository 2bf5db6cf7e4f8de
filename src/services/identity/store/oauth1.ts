import { createHash } from 'node:crypto';
import { UniqueViolation } from '../../../platform/store/errors.ts';
import { repository } from '../../../platform/store/repository.ts';
import type { Store } from '../../../platform/store/store.ts';
import { type Stamp, timestampLifetime } from '../model/oauth1.ts';
import { nowMicros, parseIsoTime, toIsoTime } from '../model/timestamps.ts';
import type { Changes } from './changes.ts';
import { newId } from './new-id.ts';
import type { IdentityTables } from './schema.ts';
import {
  type AccessTokenRow,
  accessTokens,
  type ConsumerRow,
  consumers,
  oauthNonces,
  type RequestTokenRow,
  requestTokens,
} from './tables/oauth1.ts';

/** How long tokens are good, in seconds; 0 for ever. */
export interface OAuth1Durations {
  readonly oauth1_request_token_duration: number;
  readonly oauth1_access_token_duration: number;
}

/** What a user says when he lets a consumer act for him. */
export interface Authorization {
  user_id: string;
  role_ids: string[];
  verifier: string;
}

/** Consumers, what they ask for and what users gave them. */
export class OAuth1 {
  readonly #store: Store<IdentityTables>;
  readonly #changes: Changes;
  readonly #durations: OAuth1Durations;
  readonly #consumers;
  readonly #requests;
  readonly #access;
  readonly #nonces;

  constructor(store: Store<IdentityTables>, changes: Changes, durations: OAuth1Durations) {
    this.#store = store;
    this.#changes = changes;
    this.#durations = durations;
    this.#consumers = repository(store, consumers);
    this.#requests = repository(store, requestTokens);
    this.#access = repository(store, accessTokens);
    this.#nonces = repository(store, oauthNonces);
  }

  consumer(id: string): Promise<ConsumerRow | undefined> {
    return this.#consumers.get(id);
  }

  /** Also one that has run out. */
  requestToken(id: string): Promise<RequestTokenRow | undefined> {
    return this.#requests.get(id);
  }

  /** Also one that has run out. */
  accessToken(id: string): Promise<AccessTokenRow | undefined> {
    return this.#access.get(id);
  }

  accessTokensOf(userId: string): Promise<AccessTokenRow[]> {
    return this.#access.list({ where: { user_id: userId } });
  }

  /** Those that ran out are forgotten on the way. */
  async createRequestToken(consumerId: string, projectId: string): Promise<RequestTokenRow> {
    const row: RequestTokenRow = {
      id: newId(),
      secret: newId(),
      consumer_id: consumerId,
      project_id: projectId,
      user_id: null,
      verifier: null,
      role_ids: null,
      expires_at: end(this.#durations.oauth1_request_token_duration),
    };
    await this.#store.transaction(async () => {
      await this.#requests.delete([{ column: 'expires_at', op: 'lt', value: toIsoTime(nowMicros()) }]);
      await this.#requests.insert(row);
    });
    return row;
  }

  /** @returns whether it was there still */
  async authorize(id: string, authorization: Authorization): Promise<boolean> {
    return (await this.#requests.update({ id }, authorization)) > 0;
  }

  /**
   * Makes an authorized request token into an access token: of many who ask at once one gets it.
   * @returns undefined where the request token is gone, or was authorized anew meanwhile
   */
  async exchange(request: RequestTokenRow): Promise<AccessTokenRow | undefined> {
    return this.#store.transaction(async () => {
      const now = await this.#requests.get(request.id);
      const { consumer_id, project_id, user_id, role_ids, verifier } = request;
      if (!now || now.verifier !== verifier || user_id === null || role_ids === null) return undefined;
      const row: AccessTokenRow = {
        id: newId(),
        secret: newId(),
        consumer_id,
        project_id,
        user_id,
        role_ids,
        expires_at: end(this.#durations.oauth1_access_token_duration),
      };
      await this.#requests.delete({ id: request.id });
      await this.#access.delete([{ column: 'expires_at', op: 'lt', value: toIsoTime(nowMicros()) }]);
      await this.#access.insert(row);
      this.#changes.wrote();
      return row;
    });
  }

  /** Tokens that stand on it are no longer good. */
  async deleteAccessToken(id: string): Promise<void> {
    await this.#access.delete({ id });
    this.#changes.revoked();
  }

  /**
   * Remembers that a request was answered, for as long as its time is good.
   * @returns false where it has been already
   */
  async isFirst({ consumerId, timestamp, nonce }: Stamp, tokenId = ''): Promise<boolean> {
    const id = createHash('sha256')
      .update(JSON.stringify([consumerId, tokenId, timestamp, nonce]))
      .digest('hex');
    try {
      await this.#store.transaction(async () => {
        await this.#nonces.delete([{ column: 'forget_at', op: 'lt', value: Math.floor(Date.now() / 1000) }]);
        await this.#nonces.insert({ id, forget_at: timestamp + timestampLifetime });
      });
      return true;
    } catch (error) {
      if (error instanceof UniqueViolation) return false;
      throw error;
    }
  }
}

const end = (seconds: number): string | null =>
  seconds === 0 ? null : toIsoTime(nowMicros() + seconds * 1e6);

/** Whether something that has an end, or none, is past it. */
export const hasRunOut = ({ expires_at }: { expires_at: string | null }): boolean =>
  expires_at !== null && parseIsoTime(expires_at) <= nowMicros();
