import type { Table } from './row.ts';
export const image: Table = { service: 'image', nowhere: 'ffffffff-ffff-4fff-8fff-ffffffffffff', rows: [] };
