//go:build amd64 && !purego

#include "textflag.h"

// func scan256(b []byte, flip, find uint8) (sum uint64, found bool, most uint8)
//
// The sum of b's bytes, each with the bits of flip turned round; whether find is among them; the largest. Their number is a
// multiple of 32.
TEXT ·scan256(SB), NOSPLIT, $0-42
	MOVQ b_base+0(FP), SI
	MOVQ b_len+8(FP), CX
	VPBROADCASTB flip+24(FP), Y4
	VPBROADCASTB find+25(FP), Y5
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	VPXOR Y2, Y2, Y2
	VPXOR Y6, Y6, Y6

line:
	SUBQ     $32, CX
	JLT      done
	VMOVDQU  (SI), Y3
	ADDQ     $32, SI
	VPMAXUB  Y3, Y2, Y2
	VPCMPEQB Y3, Y5, Y7
	VPOR     Y7, Y1, Y1
	VPXOR    Y4, Y3, Y3
	VPSADBW  Y6, Y3, Y3
	VPADDQ   Y3, Y0, Y0
	JMP      line

done:
	VEXTRACTI128 $1, Y0, X3
	VPADDQ       X3, X0, X0
	VPSRLDQ      $8, X0, X3
	VPADDQ       X3, X0, X0
	VMOVQ        X0, AX
	MOVQ         AX, sum+32(FP)
	VPMOVMSKB    Y1, AX
	TESTL        AX, AX
	SETNE        found+40(FP)
	VEXTRACTI128 $1, Y2, X3
	VPMAXUB      X3, X2, X2
	VPSRLDQ      $8, X2, X3
	VPMAXUB      X3, X2, X2
	VPSRLDQ      $4, X2, X3
	VPMAXUB      X3, X2, X2
	VPSRLDQ      $2, X2, X3
	VPMAXUB      X3, X2, X2
	VPSRLDQ      $1, X2, X3
	VPMAXUB      X3, X2, X2
	VMOVD        X2, AX
	MOVB         AX, most+41(FP)
	VZEROUPPER
	RET
