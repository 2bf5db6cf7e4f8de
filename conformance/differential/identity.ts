import { catalog } from './identity/catalog.ts';
import { delegation } from './identity/delegation.ts';
import { federation } from './identity/federation.ts';
import { grants } from './identity/grants.ts';
import { removals, resources } from './identity/resources.ts';
import { tokens } from './identity/tokens.ts';
import type { Table } from './row.ts';

export const identity: Table = {
  service: 'identity',
  nowhere: 'f'.repeat(32),
  rows: [...resources, ...grants, ...catalog, ...tokens, ...delegation, ...federation, ...removals],
};
