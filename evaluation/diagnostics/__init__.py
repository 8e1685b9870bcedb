"""What reviewers ask of a trained model beyond its distances. One file per metric."""
