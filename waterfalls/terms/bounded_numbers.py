"""Numbers within bounds, as the fields of terms take them."""

from typing import Annotated

from pydantic import Field

NotNegative = Annotated[float, Field(ge=0.0)]
Positive = Annotated[float, Field(gt=0.0)]
Rate = Annotated[float, Field(ge=-1.0, le=1.0)]  # a year
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Multiple = Annotated[float, Field(ge=0.0, le=10.0)]
Growth = Annotated[float, Field(gt=-1.0, le=1.0)]
Coverage = Annotated[float, Field(gt=0.0, le=10.0)]  # of debt service by cash
Intensity = Annotated[float, Field(ge=0.0, le=10.0)]  # of failures a year
Months = Annotated[int, Field(ge=0)]
