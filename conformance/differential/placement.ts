import type { Table } from './row.ts';
export const placement: Table = {
  service: 'placement',
  nowhere: 'ffffffff-ffff-4fff-8fff-ffffffffffff',
  rows: [],
};
