/** What the tests use of s3rver, which has no types of its own. */
declare module 's3rver' {
  export interface S3Context {
    method: string;
    url: string;
    path: string;
    query: Record<string, string>;
    status: number;
    body: unknown;
  }
  export default class S3rver {
    constructor(options: object);
    readonly middleware: ((context: S3Context, next: () => Promise<void>) => Promise<void>)[];
    readonly httpServer: { closeAllConnections(): void };
    run(): Promise<{ port: number }>;
    close(): Promise<void>;
  }
}
