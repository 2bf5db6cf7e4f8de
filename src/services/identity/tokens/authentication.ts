import { type Static, type TProperties, Type } from 'typebox';
import { expecting } from './expecting.ts';
import type { AuthMethod, Proof, ProofRequest } from './methods/method.ts';

/** What all methods of a request have proved together. */
export interface Authenticated extends Omit<Proof, 'methods'> {
  methods: readonly string[];
}

/** The methods by which one can say who one is, and the part of a request that they read. */
export class Authentication {
  readonly #methods: ReadonlyMap<string, AuthMethod>;
  /** The names of the methods. */
  readonly offered: ReadonlySet<string>;
  /** `auth.identity`. */
  readonly schema;

  readonly #external: (request: ProofRequest) => Promise<string | undefined>;

  /** @param external whom a web server in front has authenticated already: that counts beside every other method */
  constructor(
    methods: readonly AuthMethod[],
    external: (request: ProofRequest) => Promise<string | undefined> = async () => undefined,
  ) {
    this.#external = external;
    this.#methods = new Map(methods.map((each) => [each.name, each]));
    this.offered = new Set(this.#methods.keys());
    const parts: TProperties = Object.fromEntries(
      methods.map(({ name, schema }) => [name, Type.Optional(schema)]),
    );
    this.schema = Type.Object({ methods: Type.Array(Type.String(), { maxItems: 8 }), ...parts });
  }

  /**
   * Asks every method that the request names; all must speak of the same user.
   *
   * @throws Unauthorized where any of them does not prove it
   */
  async prove(
    asked: Static<(typeof this)['schema']> & Readonly<Record<string, unknown>>,
    request: ProofRequest,
  ): Promise<Authenticated> {
    const { refused } = request;
    const external = await this.#external(request);
    const missing = asked.methods.find((name) => name !== 'external' && asked[name] === undefined);
    if (missing !== undefined) throw expecting(missing, 'identity');
    let proved: Authenticated | undefined =
      external === undefined ? undefined : { userId: external, methods: ['external'] };
    for (const name of new Set(asked.methods)) {
      if (name === 'external' && proved) continue;
      const method = this.#methods.get(name);
      if (!method) throw refused(unsupported);
      const proof = await method.prove(asked[name], request);
      if (proved && proved.userId !== proof.userId) throw refused();
      proved = {
        ...proved,
        ...proof,
        methods: [...new Set([...(proved?.methods ?? []), ...(proof.methods ?? []), name])],
      };
    }
    if (!proved) throw refused();
    return proved;
  }
}

const unsupported = 'Attempted to authenticate with an unsupported method.';
