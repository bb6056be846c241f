interface Node {
  readonly id: number;
  left: Node | undefined;
  right: Node | undefined;
  height: number;
}

/**
 * The order of sets in dispatcher.list, as recorded: Kamailio keeps them in a balanced tree by ID, filled in the order
 * in which they first occur, and lists children before parents.
 */
export function listingOrder(ids: Iterable<number>): number[] {
  let root: Node | undefined;
  for (const id of ids) root = insert(root, id);
  const order: number[] = [];
  collect(root, order);
  return order;
}

function collect(node: Node | undefined, order: number[]): void {
  if (node === undefined) return;
  collect(node.left, order);
  collect(node.right, order);
  order.push(node.id);
}

function insert(node: Node | undefined, id: number): Node {
  if (node === undefined) return { id, left: undefined, right: undefined, height: 1 };
  if (id < node.id) node.left = insert(node.left, id);
  else if (id > node.id) node.right = insert(node.right, id);
  else return node;
  return balanced(node);
}

const heightOf = (node: Node | undefined): number => node?.height ?? 0;

function measure(node: Node): Node {
  node.height = 1 + Math.max(heightOf(node.left), heightOf(node.right));
  return node;
}

function balanced(node: Node): Node {
  const { left, right } = node;
  const lean = heightOf(left) - heightOf(right);
  if (lean > 1 && left !== undefined) {
    if (heightOf(left.left) < heightOf(left.right)) node.left = rotateLeft(left);
    return rotateRight(node);
  }
  if (lean < -1 && right !== undefined) {
    if (heightOf(right.right) < heightOf(right.left)) node.right = rotateRight(right);
    return rotateLeft(node);
  }
  return measure(node);
}

function rotateLeft(node: Node): Node {
  const up = node.right as Node;
  node.right = up.left;
  up.left = measure(node);
  return measure(up);
}

function rotateRight(node: Node): Node {
  const up = node.left as Node;
  node.left = up.right;
  up.right = measure(node);
  return measure(up);
}
