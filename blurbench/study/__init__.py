"""What is asked: joins clocks with plans, and judges what comes out."""
