/**
 * What OpenStack Zed (Debian's packages, production layout, fake hypervisor) did with the same work on a 2-core,
 * 24 GiB machine: medians. Ratios to these say more than absolute figures, which differ from machine to machine.
 */
export const peer: Readonly<Record<string, { value: number; unit: string; better: 'more' | 'less' }>> = {
  'start to every API answering': { value: 65, unit: 's', better: 'less' },
  'resident memory, idle': { value: 3683, unit: 'MiB', better: 'less' },
  'validate a token, 1 client': { value: 48, unit: 'req/s', better: 'more' },
  'validate a token, 8 clients': { value: 60, unit: 'req/s', better: 'more' },
  'list projects, 1 client': { value: 55, unit: 'req/s', better: 'more' },
  'list projects, 8 clients': { value: 70, unit: 'req/s', better: 'more' },
  'list images, 1 client': { value: 82, unit: 'req/s', better: 'more' },
  'list images, 8 clients': { value: 96, unit: 'req/s', better: 'more' },
  'upload an image of 1 GiB': { value: 119, unit: 'MB/s', better: 'more' },
  'download an image of 1 GiB': { value: 1129, unit: 'MB/s', better: 'more' },
  'list flavors in detail, 1 client': { value: 76, unit: 'req/s', better: 'more' },
  'list flavors in detail, 8 clients': { value: 168, unit: 'req/s', better: 'more' },
  'list 100 servers in detail, 1 client': { value: 1.6, unit: 'req/s', better: 'more' },
  'list 100 servers in detail, 4 clients': { value: 3.6, unit: 'req/s', better: 'more' },
  'POST server until the answer': { value: 310, unit: 'ms', better: 'less' },
  'POST server until ACTIVE (simulated)': { value: 2300, unit: 'ms', better: 'less' },
  '100 servers at once until all are ACTIVE': { value: 311, unit: 's', better: 'less' },
  'candidates, 1 provider, 1 client': { value: 27.8, unit: 'req/s', better: 'more' },
  'candidates, 100 providers, 1 client': { value: 18.5, unit: 'req/s', better: 'more' },
  'candidates, 1,000 providers, 1 client': { value: 3.55, unit: 'req/s', better: 'more' },
  'POST port': { value: 3.75, unit: 'req/s', better: 'more' },
};
