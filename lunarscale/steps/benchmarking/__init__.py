"""What ``lunarscale bench`` is made of: settings, inputs, limits, measurements, what they say."""
