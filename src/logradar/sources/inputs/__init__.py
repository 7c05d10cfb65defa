"""What sources share: finding files, reading text, headers, timestamps, keys, labels, quarantine."""
