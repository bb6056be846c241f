import type { Snapshot } from '../set.js';

/** A set in Kamailio's tree of sets. */
interface Node {
  readonly setId: number;
  left: Node | undefined;
  right: Node | undefined;
  height: number;
}

const walks = new WeakMap<Snapshot, ReadonlyMap<number, number>>();

/**
 * The position of each set in the order in which Kamailio looks through all of them. As recorded, the sets are in a
 * balanced binary tree (AVL) by number, made in the order of the rows; what is below a set comes before it, the lower
 * numbers first.
 */
export function setWalk(snapshot: Snapshot): ReadonlyMap<number, number> {
  let walk = walks.get(snapshot);
  if (walk === undefined) {
    let root: Node | undefined;
    for (const setId of snapshot.setOrder) root = inserted(root, setId);
    const order = new Map<number, number>();
    visit(root, order);
    walk = order;
    walks.set(snapshot, walk);
  }
  return walk;
}

function visit(node: Node | undefined, order: Map<number, number>): void {
  if (node === undefined) return;
  visit(node.left, order);
  visit(node.right, order);
  order.set(node.setId, order.size);
}

const heightOf = (node: Node | undefined): number => node?.height ?? 0;

function measured(node: Node): Node {
  node.height = 1 + Math.max(heightOf(node.left), heightOf(node.right));
  return node;
}

/** The tree with a further set; the depth of the recursion is that of a balanced tree. */
function inserted(node: Node | undefined, setId: number): Node {
  if (node === undefined) return { setId, left: undefined, right: undefined, height: 1 };
  if (setId < node.setId) node.left = inserted(node.left, setId);
  else if (setId > node.setId) node.right = inserted(node.right, setId);
  return balanced(measured(node));
}

function balanced(node: Node): Node {
  const { left, right } = node;
  const difference = heightOf(left) - heightOf(right);
  if (difference > 1 && left !== undefined) {
    if (heightOf(left.right) > heightOf(left.left)) node.left = turnedLeft(left);
    return turnedRight(node);
  }
  if (difference < -1 && right !== undefined) {
    if (heightOf(right.left) > heightOf(right.right)) node.right = turnedRight(right);
    return turnedLeft(node);
  }
  return node;
}

/** The tree with the left child as its root. */
function turnedRight(node: Node): Node {
  const { left: root } = node;
  if (root === undefined) return node;
  node.left = root.right;
  root.right = measured(node);
  return measured(root);
}

/** The tree with the right child as its root. */
function turnedLeft(node: Node): Node {
  const { right: root } = node;
  if (root === undefined) return node;
  node.right = root.left;
  root.left = measured(node);
  return measured(root);
}
