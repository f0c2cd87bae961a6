//! The challenger: a decision tree grown by linfa-trees, as a model file like any other.

use linfa::prelude::*;
use linfa_trees::{DecisionTree, SplitQuality, TreeNode};
use ndarray::{Array1, ArrayView2};

use super::Failure;
use super::dataset::Matrix;
use crate::model::{Body, Node, Split};

/// Payments of the overall rate that every node's rate is smoothed with.
const SMOOTHING: f64 = 5.0;

/// Grows a tree of at most `depth` questions a path; fewer than `leaf` payments are not split off.
///
/// # Errors
/// One class only, or linfa refuses the rows.
pub fn grow(matrix: &Matrix, depth: usize, leaf: usize) -> Result<Body, Failure> {
    let frauds = matrix.labels.iter().filter(|label| **label).count();
    if frauds == 0 || frauds == matrix.rows() {
        return Err(Failure("the rows to train on hold one class only; choose other days".to_owned()));
    }
    let values = ArrayView2::from_shape((matrix.rows(), matrix.width()), &matrix.values)
        .map_err(|error| Failure(error.to_string()))?;
    let labels: Array1<usize> = matrix.labels.iter().map(|fraud| usize::from(*fraud)).collect();
    // linfa joins leaves that name the same class, and where fraud is rare all leaves would name the genuine
    // one. Balanced classes shape the questions; the rates below are of the payments as they are.
    let balance = (matrix.rows() - frauds) as f32 / frauds as f32;
    let weights: Array1<f32> = matrix.labels.iter().map(|fraud| if *fraud { balance } else { 1.0 }).collect();
    let dataset = linfa::DatasetBase::new(values, labels.view()).with_weights(weights);
    let tree = DecisionTree::params()
        .split_quality(SplitQuality::Gini)
        .max_depth(Some(depth))
        .min_weight_leaf(leaf as f32)
        .fit(&dataset)
        .map_err(|error| Failure(format!("linfa-trees: {error}")))?;
    let mut nodes = Vec::new();
    copy(tree.root_node(), matrix, &mut nodes);
    // linfa's leaves know their class only; the rates come from the rows that reach each node.
    let mut counts = vec![(0.0, 0.0); nodes.len()];
    for (row, fraud) in matrix.values.chunks_exact(matrix.width()).zip(&matrix.labels) {
        let mut place = 0;
        loop {
            counts[place].0 += f64::from(u8::from(*fraud));
            counts[place].1 += 1.0;
            let Some((feature, split)) = &nodes[place] else { break };
            place = if row[*feature] < split.threshold { split.below } else { split.above };
        }
    }
    let prior = frauds as f64 / matrix.rows() as f64;
    let node = |(split, (frauds, rows)): (Option<(usize, Split)>, (f64, f64))| {
        let rate = (frauds + SMOOTHING * prior) / (rows + SMOOTHING);
        Node { log_odds: (rate / (1.0 - rate)).ln(), split: split.map(|(_, split)| split) }
    };
    Ok(Body::Tree { nodes: nodes.into_iter().zip(counts).map(node).collect() })
}

/// Copies a node and all below it, parents before children; gives its place.
fn copy(from: &TreeNode<f64, usize>, matrix: &Matrix, nodes: &mut Vec<Option<(usize, Split)>>) -> usize {
    let place = nodes.len();
    nodes.push(None);
    if from.is_leaf() {
        return place;
    }
    let (feature, threshold, _) = from.split();
    let children: Vec<&TreeNode<f64, usize>> =
        from.children().into_iter().filter_map(|child| child.as_deref()).collect();
    if let [below, above] = children[..] {
        let below = copy(below, matrix, nodes);
        let above = copy(above, matrix, nodes);
        let feature_name = matrix.names[feature].clone();
        nodes[place] = Some((feature, Split { feature: feature_name, threshold, below, above }));
    }
    place
}
