"""What the sources of labelled data sets share: sessions of event numbers, labels that stand elsewhere, windows."""
