// Types that turn a wrong definition into a compile error which names the mistake. A check is intersected with the
// parameter that it judges: it is `unknown` (and vanishes) when all is well, and a `Mistake` that no value can satisfy
// otherwise, so that the compiler prints its words. Nothing here exists at run time; refusal.ts and fit.ts hold the same
// rules for those who write JavaScript or cast.
import type { Json, Stored } from '../core/json.ts'
import type { Schema, SchemaOutput } from '../core/schema.ts'

/** What no value is: the compiler names `Words` where something else was given. */
export interface Mistake<Words extends string> {
  readonly '~mistake': Words
}

type NotJson =
  Mistake<'the schema gives something that JSON does not keep as it is (a Date, Map, bigint, function or unknown): let it give strings and numbers'>

/** Whether `undefined` is all that keeps a type from being JSON. */
type OnlyUndefined<T> = unknown extends T
  ? false
  : undefined extends T
    ? [NonNullable<T>] extends [Stored<NonNullable<T>>]
      ? true
      : false
    : false

/** The schema must give what JSON keeps as it is: no Date, Map, bigint or function, and not `undefined`. */
export type JsonOnly<S extends Schema> = [SchemaOutput<S>] extends [Json]
  ? unknown
  : OnlyUndefined<SchemaOutput<S>> extends true
    ? Mistake<'the schema may give undefined, which JSON does not keep: use null'>
    : [SchemaOutput<S>] extends [Stored<SchemaOutput<S>>]
      ? unknown
      : NotJson

/** As `JsonOnly`, for answers: `undefined` is an answer too. */
export type JsonAnswer<S extends Schema> = [SchemaOutput<S>] extends [Json | undefined | void]
  ? unknown
  : [SchemaOutput<S>] extends [Stored<SchemaOutput<S>>]
    ? unknown
    : NotJson

/** A `T` without anything that JSON loses or refuses. */
type Keepable<T> = T extends ReadonlyMap<unknown, unknown> | ReadonlySet<unknown> | bigint | symbol
  ? never
  : T extends Plain | { toJSON(): unknown }
    ? T
    : { [Field in keyof T]: Keepable<T[Field]> }

/**
 * What a step answers must be something that JSON keeps, at any depth: a Date comes back as a string, as its type says, but
 * of a Map there would be nothing. Judged beside the step's body, whose type is inferred as if this were not here.
 */
export type Keeps<T> = [T] extends [Json | undefined | void]
  ? unknown
  : unknown extends T
    ? unknown
    : [T] extends [Keepable<T>]
      ? unknown
      : Mistake<'what a step answers is kept as JSON, which keeps no Map, Set, bigint or symbol: answer with arrays, objects, strings and numbers'>

type RequiredStringOf<Data> = {
  [Field in keyof Data & string]: undefined extends Data[Field] ? never : Data[Field] extends string ? Field : never
}[keyof Data & string]

/** The fields of `Data` that can be a key: required strings. Where there is none, a text that says so. */
export type KeyField<Data> =
  RequiredStringOf<Data> extends infer Field extends string
    ? [Field] extends [never]
      ? 'no field here is a required string'
      : Field
    : never

/** What has no fields to compare. */
type Plain = null | undefined | boolean | number | string | bigint | symbol | ((...args: never) => unknown)
type FieldsOf<T> = T extends unknown ? keyof T : never
type FieldOf<T, Field> = T extends unknown ? (Field extends keyof T ? T[Field] : never) : never
type ItemOf<T> = T extends readonly (infer Item)[] ? Item : never

/** Intersected with what a body returns: a field that `Wanted` does not have is an error, at any depth. */
export type Exact<Given, Wanted> = Given extends Plain
  ? unknown
  : Given extends readonly (infer Item)[]
    ? readonly Exact<Item, ItemOf<Wanted>>[]
    : {
        readonly [Field in keyof Given]: Field extends FieldsOf<Wanted>
          ? Exact<Given[Field], FieldOf<Wanted, Field>>
          : Mistake<`'${Field & string}' is not a field of the output`>
      }

/** `T` as a value that nobody changes: what is only read may be read-only, whatever the schema's library says. */
export type Immutable<T> = [DeepJson] extends [T] ? Json : ImmutablePart<T>
type ImmutablePart<T> = T extends Plain ? T : { readonly [Field in keyof T]: Immutable<T[Field]> }
/** What only a schema of JSON as such takes; the compiler would follow that schema's type into itself without end. */
type DeepJson = { any: [{ any: [{ any: 1 }] }] }
