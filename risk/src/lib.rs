//! Fraud scoring: streaming features, a logistic regression, and the analyst's command line.
