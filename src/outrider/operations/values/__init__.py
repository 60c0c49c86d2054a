"""The values that services read: watched where they are kept, compared with what allocations started with, rolled out."""
