"""What the labelled data sets share: sequences of event numbers, labels in other files, windows."""
