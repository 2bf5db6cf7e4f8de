import { createHash } from 'node:crypto';
import { timestamp } from '../../../platform/store/table.ts';
import type { ComputeService, ConsoleAccess } from '../contract.ts';
import type { FlowParts } from '../flows/parts.ts';
import type { Ratios } from '../model/provider-report.ts';
import { guestSeen, reconcileGuests } from './guest-power.ts';
import { takeHeartbeat } from './heartbeat.ts';
import { instanceMetadata } from './instance-metadata.ts';

/** A console token as it is kept: whoever reads the database opens no console. */
export const hashOfToken = (token: string): string => createHash('sha256').update(token).digest('hex');

/** What compute answers on the bus. */
export function computeServiceHandlers(parts: FlowParts, ratios: Ratios): ComputeService {
  const { store, servers } = parts;
  return {
    async instanceMetadata({ serverId }) {
      const server = await servers.look(serverId);
      return server && !server.deleted ? instanceMetadata(parts, server) : null;
    },
    async redeemConsoleToken({ token }): Promise<ConsoleAccess | null> {
      const hash = hashOfToken(token);
      return store.transaction(async () => {
        const found = await store.db
          .selectFrom('console_tokens')
          .selectAll()
          .where('token_hash', '=', hash)
          .executeTakeFirst();
        if (!found) return null;
        await store.db.deleteFrom('console_tokens').where('token_hash', '=', hash).execute();
        if (found.expires_at < timestamp()) return null;
        const { server_id: serverId, host, console_type: type } = found;
        return { serverId, host, type: type as ConsoleAccess['type'] };
      });
    },
    heartbeat: (beat) => takeHeartbeat(parts, beat, ratios),
    async powerChanged({ host, id, powerState }) {
      const server = await servers.look(id);
      if (server?.host === host) await guestSeen(parts, server, powerState);
    },
    reconcileGuests: (args) => reconcileGuests(parts, args),
  };
}
