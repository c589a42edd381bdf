// What do the types of Slack's own package allow in blocks and views? Printed as JSON, for tests to make examples from.
// Run as: node types.js
const ts = require("typescript");

const ROOTS = ["KnownBlock", "ModalView", "HomeView"];
const file = require.resolve("@slack/types").replace(/\.js$/, ".d.ts");
const program = ts.createProgram([file], { strict: true, types: [], module: ts.ModuleKind.Node16 });
const checker = program.getTypeChecker();
const shapes = {};
const names = new Map();

/** One type: a literal, a string, number or boolean, a list, one of several, or a shape that is told under its name. */
function told(type, name) {
  if (type.isStringLiteral() || type.isNumberLiteral()) return { kind: "literal", value: type.value };
  if (type.flags & ts.TypeFlags.Boolean) return { kind: "boolean" };
  if (type.flags & ts.TypeFlags.String) return { kind: "string" };
  if (type.flags & ts.TypeFlags.Number) return { kind: "number" };
  if (type.isUnion()) return oneOf(type, type.aliasSymbol?.name ?? name);
  if (checker.isTupleType(type)) return list(type, type.target.minLength, name);
  if (checker.isArrayType(type)) return list(type, 0, name);
  return { kind: "shape", name: shape(type, name) };
}

function list(type, low, name) {
  return { kind: "list", low, item: told(checker.getTypeArguments(type)[0], `${name}[]`) };
}

/** The choices of a union; `Block` and `Record`, by which it also takes what nobody knows yet, say nothing of what there is. */
function oneOf(union, name) {
  const known = union.types.filter((each) => !anything(each));
  if (known.length === 1) return told(known[0], name);
  return { kind: "one of", of: known.map((each, number) => told(each, `${name} ${number + 1}`)) };
}

function anything(type) {
  const kind = type.getProperty("type");
  const open = kind && checker.getTypeOfSymbol(kind).flags & ts.TypeFlags.String;
  return Boolean(open) || (type.getStringIndexType() !== undefined && type.getProperties().length === 0);
}

function shape(type, name) {
  const known = names.get(type);
  if (known) return known;
  const own = type.aliasSymbol?.name ?? type.symbol?.name ?? "__type";
  const called = own === "__type" ? name : own;
  names.set(type, called);
  if (shapes[called]) throw new Error(`two shapes are called ${called}`);
  shapes[called] = {};
  for (const each of type.getProperties()) {
    const optional = Boolean(each.flags & ts.SymbolFlags.Optional);
    const held = checker.getNonNullableType(checker.getTypeOfSymbol(each));
    shapes[called][each.name] = { optional, ...told(held, `${called}.${each.name}`) };
  }
  return called;
}

const source = program.getSourceFile(file);
const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(source));
const roots = {};
for (const name of ROOTS) {
  const symbol = exported.find((each) => each.name === name);
  const real = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  roots[name] = told(checker.getDeclaredTypeOfSymbol(real), name);
}
console.log(JSON.stringify({ roots, shapes }, null, 1));
