/**
 * What OpenStack Zed (Debian's packages, production layout, fake hypervisor) did with the same work on a 2-core,
 * 24 GiB machine, some time ago: medians. They stand where no peer is measured in the same run (`--peer`), which says more.
 */
export const earlierFigures: Readonly<Record<string, { value: number; unit: string }>> = {
  'start to every API answering': { value: 65, unit: 's' },
  'resident memory, idle': { value: 3683, unit: 'MiB' },
  'validate a token, 1 client': { value: 48, unit: 'req/s' },
  'validate a token, 8 clients': { value: 60, unit: 'req/s' },
  'list projects, 1 client': { value: 55, unit: 'req/s' },
  'list projects, 8 clients': { value: 70, unit: 'req/s' },
  'list images, 1 client': { value: 82, unit: 'req/s' },
  'list images, 8 clients': { value: 96, unit: 'req/s' },
  'upload an image of 1 GiB': { value: 119, unit: 'MB/s' },
  'download an image of 1 GiB': { value: 1129, unit: 'MB/s' },
  'list flavors in detail, 1 client': { value: 76, unit: 'req/s' },
  'list flavors in detail, 8 clients': { value: 168, unit: 'req/s' },
  'list 100 servers in detail, 1 client': { value: 1.6, unit: 'req/s' },
  'list 100 servers in detail, 4 clients': { value: 3.6, unit: 'req/s' },
  'POST server until the answer': { value: 310, unit: 'ms' },
  'POST server until ACTIVE (simulated)': { value: 2300, unit: 'ms' },
  '100 servers at once until all are ACTIVE': { value: 311, unit: 's' },
  'candidates, 1 provider, 1 client': { value: 27.8, unit: 'req/s' },
  'candidates, 100 providers, 1 client': { value: 18.5, unit: 'req/s' },
  'candidates, 1,000 providers, 1 client': { value: 3.55, unit: 'req/s' },
  'POST port': { value: 3.75, unit: 'req/s' },
};
